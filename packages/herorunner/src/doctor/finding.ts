/** One line of `herorunner doctor`. */
export interface Finding {
  readonly name: string;
  readonly ok: true | false | "unknown";
  /** What a failure means: `refuse` the runner does not start or no job can run; `warn` it works, with a risk; `note` a choice with a price. */
  readonly severity: "refuse" | "warn" | "note";
  readonly sentence: string;
  /** What to type or change; present when not ok. */
  readonly fix?: string;
}

export function fine(name: string, sentence: string): Finding {
  return { name, ok: true, severity: "warn", sentence };
}

/** For people: a mark, the name, what was found, and the fix below it. */
export function findingText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map((one) => one.name.length));
  const lines = findings.flatMap((one) => [
    `${markOf(one).padEnd(4)}  ${one.name.padEnd(width)}  ${one.sentence}`,
    ...(one.ok === true || one.fix === undefined ? [] : [`${" ".repeat(width + 8)}fix: ${one.fix}`]),
  ]);
  return `${lines.join("\n")}\n`;
}

function markOf({ ok, severity }: Finding): string {
  if (ok === true) return "ok";
  if (ok === "unknown") return "?";
  return severity === "refuse" ? "FAIL" : severity;
}
