/**
 * Last part of `npm run build`: makes one bundle of each program out of what the compiler left in `dist`, with everything
 * it needs at a plain start in a few files and the rest in chunks that are loaded when they are wanted. A program whose
 * bundle is still right is left alone. bundle/start.cjs runs what is made here.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, transform } from "esbuild";
import { slimRedisClient } from "./bundle/redis-client.mjs";
import { thirdPartyNotices } from "./bundle/notices.mjs";

const repository = fileURLToPath(new URL("../", import.meta.url));
const templates = fileURLToPath(new URL("bundle/", import.meta.url));
const require = createRequire(import.meta.url);
const run = promisify(execFile);

/** Redis is away there; what a start does before that is what the cache is for. */
const away = ["--redis-url", "unix:///nonexistent/herorunner-build.sock"];
/** Which parts of a program are compiled ahead: those that these calls of it come by. */
const programs = [
  {
    package: "hero",
    warmUps: [["run", "-s", 'print("1")'], ["run", "-s", "if (1) { print(1) }"], ["--help"]],
  },
  {
    package: "herorunner",
    warmUps: [["--help"], [...away, "--isolation", "group", "--launcher", "plain", "herorunner-build"]],
  },
  { package: "herojob", warmUps: [["--help"], ["status", ...away, "--runner", "herorunner-build", "1"]] },
  { package: "supervisor", warmUps: [["--help"]] },
];
/** What every bundle is made from beside the compiled packages. */
const sharedInputs = [
  "package-lock.json",
  ...[
    "scripts/bundle.mjs",
    "scripts/bundle/start.cjs",
    "scripts/bundle/warm.cjs",
    "scripts/bundle/notices.mjs",
    "scripts/bundle/redis-client.mjs",
  ],
];

for (const program of programs) {
  const target = join(repository, "packages", program.package, "dist", "bundle");
  if (isRight(join(target, "start.cjs"))) continue;
  await bundle(program.package, target);
  await warm(join(target, "start.cjs"), program.warmUps);
}

/** @param {string} start */
function isRight(start) {
  return existsSync(start) && require(start).isFresh();
}

/**
 * Files are written under a name of their own before `start.cjs` names them, so a program that starts meanwhile finds the
 * old bundle or the new one.
 * @param {string} name
 * @param {string} target
 */
async function bundle(name, target) {
  // Before anything is read: what is compiled meanwhile makes the bundle stale and not wrong.
  const state = inputsOf(name).map((path) => stateOf(path, target));
  const dist = join(repository, "packages", name, "dist");
  const result = await build({
    entryPoints: [join(dist, "main.js")],
    outdir: target,
    outExtension: { ".js": ".mjs" },
    absWorkingDir: repository,
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node20",
    legalComments: "eof",
    assetNames: "[name]-[hash]",
    logLevel: "warning",
    plugins: [ownModules(dist), slimRedisClient],
  });
  /** @type {Map<string, string | Buffer>} */
  const files = new Map([
    ["licenses.txt", thirdPartyNotices(Object.keys(result.metafile.inputs), repository)],
  ]);
  for (const { path, text } of result.outputFiles) {
    files.set(basename(path).replace(/\.mjs$/, ".cjs"), await asScript(text));
  }
  for (const [asset, bytes] of assets(Object.keys(result.metafile.inputs))) files.set(asset, bytes);
  const folder = hashOf(files);
  mkdirSync(join(target, folder), { recursive: true });
  for (const [file, content] of files) writeFileSync(join(target, folder, file), content);
  const start = readFileSync(join(templates, "start.cjs"), "utf8").replace(
    /const made = .*;/,
    () => `const made = ${JSON.stringify({ folder, inputs: state })};`,
  );
  writeFileSync(join(target, "start.new"), start);
  renameSync(join(target, "start.new"), join(target, "start.cjs"));
  for (const other of readdirSync(target)) {
    if (other !== folder && other !== "start.cjs")
      rmSync(join(target, other), { recursive: true, force: true });
  }
}

/** The packages that a program is compiled from, by what the compiler writes at the end of its work. @param {string} name */
function inputsOf(name) {
  const known = new Set([name]);
  for (const each of known) {
    const config = JSON.parse(readFileSync(join(repository, "packages", each, "tsconfig.json"), "utf8"));
    for (const { path } of config.references ?? []) known.add(basename(path));
  }
  return [...[...known].map((each) => `packages/${each}/tsconfig.tsbuildinfo`), ...sharedInputs];
}

/** @param {string} path @param {string} target @returns {[path: string, mtimeMs: number, size: number]} */
function stateOf(path, target) {
  const { mtimeMs, size } = statSync(join(repository, path));
  return [relative(target, join(repository, path)), mtimeMs, size];
}

/**
 * A compiled module still finds what lies beside it in its package, wherever that is, and a main waits for its promises
 * inside a function: there is no other place for that in a script.
 * @param {string} dist
 * @returns {import("esbuild").Plugin}
 */
function ownModules(dist) {
  return {
    name: "own modules",
    setup: (bundling) => {
      bundling.onLoad({ filter: /\/packages\/[^/]+\/dist\/.*\.js$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        const place = relative(dist, path);
        const [, owner, inside] = /^\.\.\/\.\.\/([^/]+)\/dist\/(.*)$/.exec(place) ?? [];
        const url =
          owner === undefined
            ? `(bundled.distUrl + ${JSON.stringify(place)})`
            : `bundled.urlIn(${JSON.stringify(owner)}, ${JSON.stringify(inside)})`;
        const placed = text
          .replaceAll(/\bimport\.meta\.url\b/g, url)
          .replaceAll(/\bimport\((?!["'])/g, "bundled.importFile(");
        return { contents: path === join(dist, "main.js") ? insideFunction(placed) : placed };
      });
    },
  };
}

/** @param {string} main */
function insideFunction(main) {
  const head = /^(?:\s*(?:\/\*[\s\S]*?\*\/|\/\/.*|import\b[^;]*;))*/.exec(main)?.[0] ?? "";
  return `${head}\nasync function main_() {${main.slice(head.length)}\n}\nvoid main_();\n`;
}

/** One chunk as a script that answers a function. Chunks are fetched by `bundled.chunk`, everything else as ever. @param {string} module */
async function asScript(module) {
  const lazy = module.replaceAll(
    /\bimport\("\.\/([\w.-]+)\.mjs"\)/g,
    (_all, name) => `Promise.resolve().then(() => bundled.chunk("${name}.cjs"))`,
  );
  const { code } = await transform(lazy, {
    format: "cjs",
    platform: "node",
    target: "node20",
    legalComments: "inline",
    minifyWhitespace: true,
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "bundled.fileUrl" },
  });
  const required = code.replaceAll(
    /\brequire\("\.\/([\w.-]+)\.mjs"\)/g,
    (_all, name) => `bundled.chunk("${name}.cjs")`,
  );
  return `(function (exports, module, bundled) { const { require } = bundled; ${required}\n})`;
}

/** Files that a module of somebody else reads from beside itself. @param {readonly string[]} inputs */
function assets(inputs) {
  return inputs
    .filter((path) => path.endsWith("/emscripten-module.mjs"))
    .map((path) => {
      const file = join(repository, path.replace(/\.mjs$/, ".wasm"));
      return /** @type {const} */ ([basename(file), readFileSync(file)]);
    });
}

/** @param {Map<string, string | Buffer>} files */
function hashOf(files) {
  const hash = createHash("sha256");
  for (const [name, content] of files) hash.update(`${name}\0`).update(content).update("\0");
  return hash.digest("hex").slice(0, 16);
}

/** A program that cannot be warmed up here only starts more slowly. @param {string} start @param {readonly string[][]} calls */
async function warm(start, calls) {
  for (const args of calls) {
    const env = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };
    await run(process.execPath, [join(templates, "warm.cjs"), start, ...args], {
      env,
      timeout: 20_000,
    }).catch(() => undefined);
  }
}
