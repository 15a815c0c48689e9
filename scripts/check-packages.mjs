/**
 * `npm run package:check`: whether every workspace could be published as it lies here, built. One line a package,
 * and below it what is wrong. Exit code 1 when anything is.
 */
import { access, constants, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const repository = fileURLToPath(new URL("../", import.meta.url));
const licences = ["LICENSE-MIT", "LICENSE-APACHE"];

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {string[]} [keywords]
 * @property {string[]} [files]
 * @property {{ access?: string }} [publishConfig]
 * @property {Record<string, string>} [scripts]
 * @property {string} license
 * @property {{ node?: string }} [engines]
 * @property {string[]} [workspaces]
 * @property {Record<string, string>} [bin]
 * @property {unknown} [exports]
 * @property {Record<string, string>} [dependencies]
 */

const root = await manifestOf(repository);
let good = true;
for (const folder of root.workspaces ?? []) {
  const manifest = await manifestOf(join(repository, folder));
  const problems = [
    ...agreement(manifest),
    ...publishing(manifest),
    ...(await paperProblems(folder)),
    ...(await exportProblems(folder, manifest)),
    ...(await binProblems(folder, manifest)),
    ...(await nativeProblems(folder, manifest)),
    ...(await publintProblems(folder)),
  ];
  good &&= problems.length === 0;
  const bins = Object.keys(manifest.bin ?? {}).map((name) => `, bin ${name}`);
  const names = `${manifest.name} ${manifest.version}, ${pathsOf(manifest.exports).length} exported paths${bins.join("")}`;
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"} ${names}`);
  for (const problem of problems) console.log(`     ${problem}`);
}
process.exitCode = good ? 0 : 1;

/** @param {string} folder @returns {Promise<Manifest>} */
async function manifestOf(folder) {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
}

/** Versions move together, and so do licence and engines. @param {Manifest} manifest */
function agreement(manifest) {
  const problems = [];
  if (manifest.version !== root.version) problems.push(`version is not the workspace's ${root.version}`);
  if (manifest.license !== root.license) problems.push(`license is not "${root.license}"`);
  if (manifest.engines?.node !== root.engines?.node)
    problems.push(`engines.node is not ${root.engines?.node}`);
  for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
    const wanted = name.startsWith("@herorunner/") ? root.version : version;
    if (version !== wanted) problems.push(`depends on ${name} ${version} instead of ${wanted}`);
    if (!/^\d/.test(version)) problems.push(`depends on ${name} ${version}, which is not one exact version`);
  }
  return problems;
}

/**
 * npm packs nothing from further up, so each package has its own copies; of licences it packs a file LICENSE by itself,
 * and these two only where `files` names them.
 * @param {string} folder
 */
async function paperProblems(folder) {
  const problems = [];
  for (const name of licences) {
    const [ours, own] = await Promise.all([
      textOf(join(repository, name)),
      textOf(join(repository, folder, name)),
    ]);
    if (own === undefined) problems.push(`${name} is missing`);
    else if (own !== ours) problems.push(`${name} is not that of the repository`);
  }
  if ((await textOf(join(repository, folder, "README.md"))) === undefined)
    problems.push("README.md is missing");
  return problems;
}

/** What a package needs to be published, beside what npm asks for. @param {Manifest} manifest */
function publishing(manifest) {
  const problems = [];
  if (manifest.private === true) problems.push("is private");
  if (manifest.publishConfig?.access !== "public") problems.push('publishConfig.access is not "public"');
  if (!manifest.files?.includes("LICENSE-*")) problems.push("files does not name LICENSE-*");
  if ((manifest.keywords ?? []).length === 0) problems.push("has no keywords");
  if (manifest.scripts?.["prepack"] !== "node ../../scripts/prepack.mjs")
    problems.push("packs without scripts/prepack.mjs");
  return problems;
}

/** @param {string} folder @param {Manifest} manifest */
async function exportProblems(folder, manifest) {
  const problems = [];
  for (const path of pathsOf(manifest.exports)) {
    if (!(await exists(join(repository, folder, path))))
      problems.push(`exports ${path}, which does not exist`);
  }
  return problems;
}

/** Every path below `exports`, whatever the conditions. @param {unknown} value @returns {string[]} */
function pathsOf(value) {
  if (typeof value === "string") return [value];
  return value !== null && typeof value === "object" ? Object.values(value).flatMap(pathsOf) : [];
}

/** @param {string} folder @param {Manifest} manifest */
async function binProblems(folder, manifest) {
  const problems = [];
  for (const [name, path] of Object.entries(manifest.bin ?? {})) {
    const file = join(repository, folder, path);
    const text = await textOf(file);
    if (text === undefined) {
      problems.push(`bin ${name} is ${path}, which does not exist`);
      continue;
    }
    if (!(await isExecutable(file))) problems.push(`bin ${name} is not executable: chmod +x ${path}`);
    if (!text.startsWith("#!/usr/bin/env node\n"))
      problems.push(`bin ${name} does not start with #!/usr/bin/env node`);
    for (const [, imported = ""] of text.matchAll(/(?:import|from)\s*\(?"(\.[^"]+)"/g)) {
      if (!(await exists(join(file, "..", imported))))
        problems.push(`bin ${name} imports ${imported}, which is not built`);
    }
  }
  return problems;
}

/**
 * What is compiled goes with its source. Where there is no compiler it is missing, and the package is right all the same.
 * @param {string} folder @param {Manifest} manifest
 */
async function nativeProblems(folder, manifest) {
  const native = join(repository, folder, "native");
  if (!(await exists(native))) return [];
  const problems = manifest.files?.includes("native") ? [] : ["files does not name native"];
  for (const name of await readdir(join(native, "build")).catch(() => [])) {
    const path = `native/build/${name}`;
    if (!/^(?:spawn-server-linux-\w+|signature-check-linux-\w+\.node)$/.test(name))
      problems.push(`${path} is left over: rm ${path}`);
    else if (!(await isExecutable(join(native, "build", name))))
      problems.push(`${path} is not executable: rm ${path} && npm run build`);
  }
  return problems;
}

/** @param {string} folder */
async function publintProblems(folder) {
  const { messages, pkg } = await publint({ pkgDir: join(repository, folder), strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg) ?? message.code}`);
}

/** @param {string} path @returns {Promise<string | undefined>} */
async function textOf(path) {
  return readFile(path, "utf8").catch(() => undefined);
}

/** @param {string} path */
async function exists(path) {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** @param {string} path */
async function isExecutable(path) {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
