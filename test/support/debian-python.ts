/** Debian's Python with the packages that an example needs. Not any other Python on PATH: those do not see them. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
export const debianPython = "/usr/bin/python3";

/** Package of Debian → the module that it brings. */
export type PythonPackages = Readonly<Record<string, string>>;

/** Installs what is missing where we may; throws a sentence with the command to type where we may not. */
export async function needPythonPackages(packages: PythonPackages): Promise<void> {
  const missing: string[] = [];
  for (const [name, module] of Object.entries(packages)) if (!(await imports(module))) missing.push(name);
  if (missing.length === 0) return;
  const install = ["install", "-y", "--no-install-recommends", "python3", ...missing];
  if (process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", install, { env }).catch(async () => {
      await run("apt-get", ["update"], { env }).catch(() => undefined);
      await run("apt-get", install, { env }).catch(() => undefined);
    });
  }
  for (const name of missing) {
    if (!(await imports(packages[name] ?? ""))) {
      throw new Error(
        `this test needs ${missing.join(" and ")} of Debian; type: sudo apt-get ${install.join(" ")}`,
      );
    }
  }
}

async function imports(module: string): Promise<boolean> {
  return run(debianPython, ["-c", `import ${module}`]).then(
    () => true,
    () => false,
  );
}
