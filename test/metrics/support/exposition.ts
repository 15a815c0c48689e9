/** What `/metrics` answers, read again: for tests that look at figures instead of text. */
import type { MetricEntry } from "@herorunner/daemon";

export interface Exposition {
  readonly text: string;
  /** The value of a series, as `herorunner_jobs_total{status="finished",reason=""}`; undefined when it is not shown. */
  value(series: string): number | undefined;
  /** Every series with its labels. */
  readonly samples: readonly Sample[];
  /** Names that have a HELP line. */
  readonly families: readonly string[];
}

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export async function scrape(base: string): Promise<Exposition> {
  const answer = await fetch(`${base}/metrics`);
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}: ${await answer.text()}`);
  return readExposition(await answer.text());
}

function readExposition(text: string): Exposition {
  const samples = [...text.matchAll(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name = "", labels = "", value = ""]): Sample => ({
      name,
      labels: new Map([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", is = ""]) => [label, is])),
      value: Number(value),
    }),
  );
  const spelling = ({ name, labels }: Sample): string => {
    const pairs = [...labels].map(([label, is]) => `${label}="${is}"`).join(",");
    return pairs === "" ? name : `${name}{${pairs}}`;
  };
  const values = new Map(samples.map((sample) => [spelling(sample), sample.value]));
  return {
    text,
    samples,
    value: (series) => values.get(series),
    families: [...text.matchAll(/^# HELP (\w+)/gm)].map(([, name = ""]) => name),
  };
}

/** Series whose labels, or values of labels, the table does not have. */
export function strangers({ samples }: Exposition, table: readonly MetricEntry[]): readonly string[] {
  return samples.flatMap(({ name, labels }) => {
    const entry = table.find(
      (one) => one.name === name || one.name === name.replace(/_(?:bucket|sum|count)$/, ""),
    );
    if (entry === undefined) return [name];
    return [...labels].flatMap(([label, is]) => {
      if (label === "le") return [];
      const allowed = entry.labels?.[label];
      return allowed === undefined || (typeof allowed !== "string" && !allowed.includes(is))
        ? [`${name}{${label}="${is}"}`]
        : [];
    });
  });
}
