/** The built programs, as an operator has them. A test of them fails with one clear sentence when they are not built. */
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..", "..");

/** What herorunner and hero are made of. */
const packages = ["job", "daemon", "runner", "hero", "herorunner"] as const;

/** Absolute path of a bin. Throws when a package is not built, or was changed after it was built. */
export function builtBin(name: "herorunner" | "hero" | "herojob" | "herosupervisor"): string {
  const folder = name === "herosupervisor" ? "supervisor" : name;
  for (const each of [...packages, folder]) {
    if (!checked.has(each)) checkBuilt(each);
    checked.add(each);
  }
  return join(root, "packages", folder, "bin", `${name}.js`);
}

/** A folder whose `hero` is ours: what an operator has on PATH. */
export const heroFolder = join(root, "node_modules", ".bin");
export const repositoryRoot = root;

/** Once per test process is enough. */
const checked = new Set<string>();

function checkBuilt(name: string): void {
  const folder = join(root, "packages", name);
  const builtMs = changedMs(join(folder, "tsconfig.tsbuildinfo"));
  if (builtMs === undefined || changedMs(join(folder, "dist")) === undefined) {
    throw new Error(`packages/${name} is not built; run npm run build first`);
  }
  for (const file of readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".ts") && (changedMs(join(folder, "src", file)) ?? 0) > builtMs) {
      throw new Error(
        `packages/${name}/src/${file} was changed after the last build; run npm run build first`,
      );
    }
  }
}

function changedMs(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
