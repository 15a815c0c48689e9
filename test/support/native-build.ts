/** What is in C, which `npm run build` leaves out where there is no compiler. Tests do not leave it out. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { needDebianPrograms } from "./debian-programs.ts";

const script = fileURLToPath(new URL("../../scripts/native.mjs", import.meta.url));

export function nativeBuild(name: "spawn-server" | "signature-check"): string {
  const platform = `${process.platform}-${process.arch}`;
  const place =
    name === "spawn-server"
      ? `runner/native/build/spawn-server-${platform}`
      : `job/native/build/signature-check-${platform}.node`;
  return fileURLToPath(new URL(`../../packages/${place}`, import.meta.url));
}

/** Builds it where it is not, with a compiler of Debian if need be. Throws a sentence with the command to type where that fails. */
export async function needNativeBuild(name: "spawn-server" | "signature-check"): Promise<void> {
  if (existsSync(nativeBuild(name))) return;
  // The compiler for C++ brings the one for C, and what the one for C only recommends: the C library to build with.
  await needDebianPrograms("g++");
  execFileSync(process.execPath, [script], { stdio: "inherit" });
  if (!existsSync(nativeBuild(name)))
    throw new Error(`the ${name} was not built; see what the line above says`);
}
