/** Small programs of Debian that single tests need, named as their packages are. */
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Installs what is missing where we may; throws a sentence with the command to type where we may not. */
export async function needDebianPrograms(...names: readonly string[]): Promise<void> {
  await needDebianPackages(names, onPath);
}

/** The same for packages that are no programs. */
export async function needDebianPackages(
  names: readonly string[],
  isThere: (name: string) => boolean,
): Promise<void> {
  const missing = names.filter((name) => !isThere(name));
  if (missing.length === 0) return;
  // Two test files may want something at the same time.
  const install = ["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", ...missing];
  if (process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", install, { env }).catch(async () => {
      await run("apt-get", ["update"], { env }).catch(() => undefined);
      await run("apt-get", install, { env }).catch(() => undefined);
    });
  }
  const still = missing.filter((name) => !isThere(name));
  if (still.length > 0) {
    throw new Error(
      `this test needs ${still.join(" and ")}; on Debian type: sudo apt-get install ${still.join(" ")}`,
    );
  }
}

function onPath(name: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
