/** Medians, ratios and tables. */

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The median of the ratios round by round, with the smallest and the largest. */
export function ratioOf(values: readonly number[], floor: readonly number[]): string {
  const ratios = values.map((value, round) => value / (floor[round] ?? NaN));
  if (ratios.length === 0) return "–";
  const [low, middle, high] = [0, 0.5, 1].map((share) => short(quantile(ratios, share)));
  return ratios.length === 1 ? `**${middle}**` : `**${middle}** [${low}–${high}]`;
}

export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
