/**
 * The `hero` of a chaos run: reads `<seconds> <exit code>` from standard input, sleeps, and keeps its own record of who
 * was executed, in a file that neither Redis nor the runner knows.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface StubHero {
  readonly path: string;
  executions(): Promise<ReadonlyMap<string, Execution>>;
}

export interface Execution {
  readonly starts: number;
  readonly ends: number;
  readonly pids: readonly number[];
}

export async function writeStubHero(folder: string): Promise<StubHero> {
  const [path, record] = [join(folder, "hero"), join(folder, "executions")];
  await writeFile(record, "");
  // One short write per line: appends of this size do not mix.
  const script = `#!/bin/sh
read -r seconds code
echo "start $HERO_JOB_ID $$" >> '${record}'
sleep "$seconds"
echo "end $HERO_JOB_ID $$" >> '${record}'
echo "done $HERO_JOB_ID"
exit "$code"
`;
  await writeFile(path, script, { mode: 0o755 });
  return {
    path,
    executions: async () => {
      const found = new Map<string, { starts: number; ends: number; pids: number[] }>();
      for (const line of (await readFile(record, "utf8")).split("\n")) {
        const [word, id = "", pid] = line.split(" ");
        if (word !== "start" && word !== "end") continue;
        const one = found.get(id) ?? { starts: 0, ends: 0, pids: [] };
        if (word === "start") {
          one.starts += 1;
          one.pids.push(Number(pid));
        } else one.ends += 1;
        found.set(id, one);
      }
      return found;
    },
  };
}
