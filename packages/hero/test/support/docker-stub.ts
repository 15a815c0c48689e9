/** A program named docker that records how it was called and answers from files. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./hero.ts";

const program = `#!/bin/sh
for argument in "$@"; do printf '%s\\0' "$argument"; done >> "$STUB/calls"
printf '\\n\\0' >> "$STUB/calls"
cat > "$STUB/stdin"
if [ -f "$STUB/hang" ]; then exec sleep 600; fi
case " $* " in *" --format "*) answer="$STUB/json-$1" ;; *) answer="$STUB/text-$1" ;; esac
if [ -f "$answer" ]; then cat "$answer"; fi
if [ -f "$STUB/fail" ]; then cat "$STUB/fail" >&2; exit 1; fi
`;

export interface DockerStub {
  /** Environment of a script that finds this docker. */
  readonly env: Record<string, string>;
  /** What a verb prints: `text` in a script, `json` when asked for a format. */
  answer(form: "text" | "json", verb: string, text: string): void;
  failWith(message: string): void;
  /** Makes every later call wait until it is ended. */
  hang(): void;
  calls(): string[][];
  /** What the last call found on its standard input. */
  stdin(): string;
}

export function dockerStub(): DockerStub {
  const folder = temporaryFolder();
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "docker"), program);
  chmodSync(join(bin, "docker"), 0o755);
  const calls = join(folder, "calls");
  return {
    env: { PATH: `${bin}:${process.env["PATH"] ?? ""}`, STUB: folder },
    answer: (form, verb, text) => writeFileSync(join(folder, `${form}-${verb}`), text),
    failWith: (message) => writeFileSync(join(folder, "fail"), message),
    hang: () => writeFileSync(join(folder, "hang"), ""),
    calls: () => {
      if (!existsSync(calls)) return [];
      const all: string[][] = [[]];
      for (const word of readFileSync(calls, "utf8").split("\0").slice(0, -1)) {
        if (word === "\n") all.push([]);
        else all.at(-1)?.push(word);
      }
      return all.slice(0, -1);
    },
    stdin: () => readFileSync(join(folder, "stdin"), "utf8"),
  };
}
