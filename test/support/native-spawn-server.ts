/** The spawn server in C, which `npm run build` leaves out where there is no compiler. Tests do not leave it out. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { needDebianPrograms } from "./debian-programs.ts";

const program = fileURLToPath(
  new URL(
    `../../packages/runner/native/build/spawn-server-${process.platform}-${process.arch}`,
    import.meta.url,
  ),
);
const build = fileURLToPath(new URL("../../scripts/native.mjs", import.meta.url));

/** Builds it where it is not, with a compiler of Debian if need be. Throws a sentence with the command to type where that fails. */
export async function needSpawnServer(): Promise<void> {
  if (existsSync(program)) return;
  // The compiler for C++ brings the one for C, and what the one for C only recommends: the C library to build with.
  await needDebianPrograms("g++");
  execFileSync(process.execPath, [build], { stdio: "inherit" });
  if (!existsSync(program)) throw new Error("the spawn server was not built; see what the line above says");
}
