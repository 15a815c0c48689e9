/**
 * `npm run check:nodes -- [--lines 22,24] [what vitest run takes]`: the tests, or some of them, on other lines of Node than the one
 * at hand. Each Node comes out of npm, into a folder of its own that is removed at the end; this checkout, its lockfile included,
 * stays as it is. Exit code 1 when a test failed on any line.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../", import.meta.url));
const defaultLines = "22,24";

// Ctrl-C reaches the tests too; this process ends after them and cleans up.
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => undefined);

const { lines, rest } = readArguments(process.argv.slice(2));
const scratch = await mkdtemp(join(tmpdir(), "herorunner-nodes-"));
const failed = [];
try {
  for (const line of lines) {
    const node = await install(line);
    const code = node === undefined ? 1 : await runTests(node, rest);
    if (code !== 0) failed.push(line);
    if (code === 130) break;
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
console.log(
  failed.length === 0 ? `ok on Node ${lines.join(" and ")}` : `FAILED on Node ${failed.join(" and ")}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

/** @param {readonly string[]} args */
function readArguments(args) {
  const at = args.indexOf("--lines");
  const given = at < 0 ? defaultLines : (args[at + 1] ?? "");
  const wanted = given.split(",").filter((line) => /^\d+(?:\.\d+){0,2}$/.test(line));
  if (wanted.length === 0) {
    console.error("--lines takes lines or versions of Node, as 22,24");
    process.exit(2);
  }
  return { lines: wanted, rest: at < 0 ? args : args.toSpliced(at, 2) };
}

/**
 * The package with the program for this platform alone; `node` itself would run a script that installs it.
 * @param {string} line
 */
async function install(line) {
  const folder = join(scratch, line);
  const name = `node-${process.platform}-${process.arch}`;
  console.log(`Node ${line}: installing ${name}`);
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), "{}\n");
  const args = [
    "install",
    "--prefix",
    folder,
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--loglevel",
    "error",
  ];
  if ((await run("npm", [...args, `${name}@${line}`], folder, process.env)) !== 0) return undefined;
  return join(folder, "node_modules", name, "bin", "node");
}

/** @param {string} node @param {readonly string[]} args */
async function runTests(node, args) {
  const env = { ...process.env, PATH: [dirname(node), process.env["PATH"]].join(delimiter) };
  await run(node, ["--print", "`Node ${process.version}: tests`"], repository, env);
  return run(node, [join(repository, "node_modules/vitest/vitest.mjs"), "run", ...args], repository, env);
}

/**
 * Answers the exit code, 130 where a signal ended it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} env
 */
async function run(command, args, cwd, env) {
  const child = spawn(command, args, { cwd, env, stdio: "inherit" });
  const [code] = await once(child, "exit");
  return typeof code === "number" ? code : 130;
}
