/** Finds the binary that runs heroscripts, as the shell would: on the runner's own PATH, or by its path. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

export type HeroBinary = { readonly found: true; readonly path: string } | NoHero;

export interface NoHero {
  readonly found: false;
  /** Of the jobs that needed it. */
  readonly reason: "hero_not_found" | "could_not_start";
  /** Names what was looked for and where, and the next step. */
  readonly sentence: string;
}

/** `searchPath` is a PATH; `name` with a slash is a path and is taken as it is. */
export function findHero(name: string, searchPath: string): HeroBinary {
  if (name.includes("/")) {
    const path = resolve(name);
    return isProgram(path) ? { found: true, path } : { found: false, ...problemOf(path) };
  }
  for (const folder of searchPath.split(delimiter)) {
    const path = resolve(join(folder === "" ? "." : folder, name));
    if (isProgram(path)) return { found: true, path };
  }
  const where = searchPath === "" ? "PATH is empty" : `PATH is ${searchPath}`;
  return {
    found: false,
    reason: "hero_not_found",
    sentence: `no program ${JSON.stringify(name)} was found (${where}); install it or name it with --hero PATH`,
  };
}

/** What is wrong with a path that was named and is no program for this user. */
function problemOf(path: string): Omit<NoHero, "found"> {
  const named = "install hero there or name it with --hero PATH";
  const reason = "could_not_start";
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return { reason, sentence: `${path} is a folder, not a program; ${named}` };
    if (!stat.isFile()) return { reason, sentence: `${path} is not a regular file; ${named}` };
    return { reason, sentence: `${path} may not be executed by this user; try chmod +x` };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
    if (code === "ENOENT" || code === "ENOTDIR")
      return { reason: "hero_not_found", sentence: `${path} does not exist; ${named}` };
    return { reason, sentence: `${path} cannot be looked at (${code}); ${named}` };
  }
}

/** By one call; whatever else is wrong with the program is told when it is started. */
function looksLikeProgram(path: string): boolean {
  try {
    const stat = statSync(path);
    return stat.isFile() && (stat.mode & 0o111) !== 0;
  } catch {
    return false; // gone, or behind a folder that may not be entered
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Remembers where hero was found, and looks again when it is not there any more. */
export class HeroLocator {
  readonly #name: string;
  readonly #searchPath: string;
  #last: HeroBinary;

  constructor(name: string, searchPath: string) {
    this.#name = name;
    this.#searchPath = searchPath;
    this.#last = findHero(name, searchPath);
  }

  /** Where it was found last, without a look; whoever starts it finds out when it is not there any more, and asks again. */
  get last(): HeroBinary {
    return this.#last.found ? this.#last : this.locate();
  }

  /** Searches only when the last answer was no or has become wrong. */
  locate(): HeroBinary {
    if (!this.#last.found || !looksLikeProgram(this.#last.path))
      this.#last = findHero(this.#name, this.#searchPath);
    return this.#last;
  }
}
