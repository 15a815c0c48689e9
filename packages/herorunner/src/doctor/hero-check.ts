/** Whether a job could start the binary that runs heroscripts: it is there, and so is what interprets it. */
import { closeSync, openSync, readSync } from "node:fs";
import { findHero } from "../hero-binary.ts";
import { type Finding, fine } from "./finding.ts";

export interface HeroCheckOptions {
  /** As given with --hero. */
  readonly hero: string;
  /** PATH of this process: where the binary is looked for. */
  readonly searchPath: string;
  /** PATH that jobs get: where its interpreter is looked for. */
  readonly jobPath: string;
}

const common = { name: "hero", ok: false, severity: "refuse" } as const;

export function checkHero({ hero, searchPath, jobPath }: HeroCheckOptions): Finding {
  const binary = findHero(hero, searchPath);
  if (!binary.found) {
    const fix =
      binary.reason === "hero_not_found"
        ? "install hero and see that `command -v hero` finds it, or name it with --hero /path/to/hero"
        : "name a program that this user may execute with --hero /path/to/hero";
    return { ...common, sentence: binary.sentence, fix };
  }
  const { path } = binary;
  const words = interpreterOf(path);
  if (words === undefined) return fine("hero", path);
  const [interpreter = "", program = ""] = words;
  if (words.some((word) => word.includes("\r"))) {
    const sentence = `the first line of ${path} ends with a carriage return, so its interpreter is not found`;
    return { ...common, sentence, fix: `sed -i 's/\\r$//' ${path}` };
  }
  if (!findHero(interpreter, "").found) {
    const sentence = `${path} wants ${interpreter}, which is not on this machine`;
    return { ...common, sentence, fix: `install ${interpreter}, or mend the first line of ${path}` };
  }
  if (!interpreter.endsWith("/env") || program === "" || program.startsWith("-")) return fine("hero", path);
  const found = findHero(program, jobPath);
  if (found.found) return fine("hero", `${path}, run by ${found.path}`);
  return {
    ...common,
    sentence: `${path} is run by ${program}, which is not on the PATH that jobs get (${jobPath})`,
    fix: `add the folder of ${program} with --path "$PATH"`,
  };
}

/** The words of a `#!` line, or undefined when there is none. */
function interpreterOf(path: string): readonly string[] | undefined {
  const head = Buffer.alloc(256);
  try {
    const file = openSync(path, "r");
    readSync(file, head, 0, head.length, 0);
    closeSync(file);
  } catch {
    return undefined; // may be executed and not read: then it has no such line that anybody could use
  }
  const line = /^#!\s*([^\n\0]*)/.exec(head.toString("latin1"))?.[1];
  return line?.split(/[ \t]+/);
}
