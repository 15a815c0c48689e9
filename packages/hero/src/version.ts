/**
 * The version of this program, from its package, and the commit it was built from, out of the file that `npm run build`
 * leaves beside the compiled program: `0.1.0 (abc1234)`. Without that file the version stands alone.
 */
import { readFileSync } from "node:fs";
import { packageFolder } from "./package-folder.ts";

const shortCommitDigits = 7;

export function versionText(): string {
  const folder = packageFolder();
  const { version = "0.0.0" } = read(new URL("package.json", folder));
  const { commit } = read(new URL("dist/build.json", folder));
  return commit === undefined ? version : `${version} (${commit.slice(0, shortCommitDigits)})`;
}

function read(file: URL): { readonly version?: string; readonly commit?: string } {
  try {
    // Both files are ours: the one of the package, and the one that the build writes.
    return JSON.parse(readFileSync(file, "utf8")) as { version?: string; commit?: string };
  } catch {
    return {};
  }
}
