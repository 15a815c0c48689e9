/**
 * The two programs of the spawn servers: one in C (packages/runner/native), there where `npm run build` found a compiler
 * or a package brings what was built for this platform, and the same in Python. They understand the same arguments and
 * frames, and pass the same tests.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { spawnServerPython } from "./spawn-server-python.ts";

export interface SpawnServerProgram {
  readonly kind: "native" | "python";
  readonly file: string;
  readonly argv0: string;
  /** What comes before the program's own arguments. */
  readonly args: readonly string[];
}

/** How they are found in a list of processes. */
const name = "herorunner-spawn-server";

/** In the package's folder, from `src/child` and from `dist/child` alike. */
const built = new URL(`../../native/build/spawn-server-${process.platform}-${process.arch}`, import.meta.url);

/** Not on PATH, where a wrapper may stand that costs more than it saves. */
const interpreters = ["/usr/bin/python3", "/usr/local/bin/python3", "/usr/libexec/platform-python"];

/** What there is on this machine of the kinds that are wanted, in their order. Whether it works is another question. */
export function findSpawnServerPrograms(
  kinds: readonly SpawnServerProgram["kind"][],
): readonly SpawnServerProgram[] {
  return kinds
    .map((kind) => (kind === "native" ? nativeProgram() : pythonProgram()))
    .filter((one) => one !== undefined);
}

function nativeProgram(): SpawnServerProgram | undefined {
  return existsSync(built)
    ? { kind: "native", file: fileURLToPath(built), argv0: name, args: [] }
    : undefined;
}

function pythonProgram(): SpawnServerProgram | undefined {
  const file = interpreters.find((path) => existsSync(path));
  if (file === undefined) return undefined;
  // By its own name an interpreter finds its library.
  return { kind: "python", file, argv0: file, args: ["-I", "-S", "-c", spawnServerPython, name] };
}
