/** The libsecp256k1 of the system and the addon that asks it. */
import { execFileSync } from "node:child_process";
import { needDebianPackages, needDebianPrograms } from "./debian-programs.ts";
import { nativeBuild, needNativeBuild } from "./native-build.ts";

/** Installs and builds what is missing; throws a sentence with the command to type where that fails. */
export async function needSystemLibsecp256k1(): Promise<void> {
  await needNativeBuild("signature-check");
  // The package with the library itself has another name in every release of Debian.
  await needDebianPackages(["libsecp256k1-dev"], isFound);
}

/** Each time in a process of its own: the addon looks for the library once. */
function isFound(): boolean {
  const code = "process.exit(require(process.argv[1]).soname === undefined ? 1 : 0)";
  try {
    execFileSync(process.execPath, ["-e", code, nativeBuild("signature-check")]);
    return true;
  } catch {
    return false;
  }
}

/** For tests that build a library of their own. */
export async function compileLibrary(file: string, code: string): Promise<void> {
  await needDebianPrograms("g++");
  execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-o", file, "-"], { input: code });
}
