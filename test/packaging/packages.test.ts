/** What npm would publish, installed into an empty folder and used there: as libraries, and as programs. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { cp, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { generateKey } from "@herorunner/job/trust";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { repositoryRoot } from "../support/built.ts";
import { nativeBuild } from "../support/native-build.ts";
import { needSpawnServer } from "../support/native-spawn-server.ts";
import { connectRedis } from "../support/redis-client.ts";
import { startRedis } from "../support/redis-server.ts";
import { needSystemLibsecp256k1 } from "../support/system-libsecp256k1.ts";
import { until } from "../support/until.ts";
import { type Installed, packAndInstall } from "./support/installed.ts";

const names = ["daemon", "hero", "herojob", "herorunner", "job", "runner", "supervisor"] as const;
const programs = ["herorunner", "herosupervisor", "herojob", "hero"] as const;

let installed: Installed;
beforeAll(async () => {
  await needSpawnServer();
  await needSystemLibsecp256k1();
  installed = await packAndInstall();
}, 300_000);
afterAll(() => installed.remove());

/** Paths in an installed package of ours, without what it depends on. */
function filesOf(name: string): string[] {
  const folder = join(installed.folder, "node_modules", "@herorunner", name);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return entries
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith("node_modules/"));
}

function contentOf(name: string, path: string): string {
  return readFileSync(join(installed.folder, "node_modules", "@herorunner", name, path), "utf8");
}

describe.each(names)("the package of %s", (name) => {
  it("carries its readme and both licences", () => {
    const papers = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];
    expect(
      filesOf(name)
        .filter((path) => papers.includes(path))
        .sort(),
    ).toEqual(papers);
  });

  it("carries no tests, no compiler's notes, nothing compiled without its source", () => {
    const files = filesOf(name);
    expect(files.filter((path) => /\.test\.|(?:^|\/)tests?\/|tsbuildinfo|tsconfig/.test(path))).toEqual([]);
    const compiled = files.filter(
      (path) => path.startsWith("dist/") && !/\bbundle\b|build\.json$/.test(path),
    );
    const sourceOf = (path: string) =>
      path.replace(/^dist/, "src").replace(/(?:\.d\.ts|\.js)(?:\.map)?$/, ".ts");
    expect(compiled.filter((path) => !files.includes(sourceOf(path)))).toEqual([]);
  });

  it("has maps whose sources are there", () => {
    const missing = filesOf(name)
      .filter((path) => path.endsWith(".map"))
      .flatMap((path) => {
        // The compiler made it.
        const map = JSON.parse(contentOf(name, path)) as { sources: string[]; sourcesContent?: unknown[] };
        return map.sources
          .filter((_source, at) => typeof map.sourcesContent?.[at] !== "string")
          .map((source) => join(dirname(path), source))
          .filter((source) => !existsSync(join(installed.folder, "node_modules/@herorunner", name, source)));
      });
    expect(missing).toEqual([]);
  });

  it("names no folder of the machine that packed it", () => {
    const escaped = repositoryRoot.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const ours = new RegExp(`(?<![\\w./-])${escaped}(?:/|\\b)`);
    expect(filesOf(name).filter((path) => ours.test(contentOf(name, path)))).toEqual([]);
  });
});

describe.each([
  { what: "the spawn server", name: "runner", built: nativeBuild("spawn-server") },
  { what: "the signature check", name: "job", built: nativeBuild("signature-check") },
])("$what in C", ({ name, built }) => {
  const ofRepository = (path: string): string => join(repositoryRoot, "packages", name, path);
  const ofPackage = (path: string): string => join(installed.folder, "node_modules/@herorunner", name, path);
  const ours = relative(ofRepository("."), built);

  it("comes with the source that it is made from", () => {
    const packed = filesOf(name).filter((path) => /^native\/[^/]*$/.test(path));
    const sources = readdirSync(ofRepository("native")).filter((file) => /\.[ch]$/.test(file));
    expect(packed.sort()).toEqual(sources.map((file) => `native/${file}`).sort());
    for (const path of packed)
      expect([path, readFileSync(ofPackage(path), "utf8")]).toEqual([
        path,
        readFileSync(ofRepository(path), "utf8"),
      ]);
  });

  it("is the one that was built here, and may be executed", () => {
    expect(readFileSync(ofPackage(ours)).equals(readFileSync(built))).toBe(true);
    expect(statSync(ofPackage(ours)).mode & 0o777).toBe(0o755);
    const others = filesOf(name).filter((path) => path.startsWith("native/build/") && path !== ours);
    expect(others.filter((path) => !/\/[a-z-]+-linux-\w+(?:\.node)?$/.test(path))).toEqual([]);
  });
});

describe("the installed herorunner", () => {
  const compiled = ["runner", "job"].map((name) => [
    name,
    relative(
      join(repositoryRoot, "packages", name),
      nativeBuild(name === "job" ? "signature-check" : "spawn-server"),
    ),
  ]);

  /** Of the runner that was started: what is the parent of its jobs, and which addon is in its memory. */
  const usedBy = async (program: string): Promise<readonly unknown[]> => {
    const hero = join(installed.folder, "tells-its-parent");
    const trust = join(installed.folder, "trust.json");
    const signers = [{ name: "nobody", public_key: generateKey("nobody").publicKey }];
    await writeFile(hero, "#!/bin/sh\nreadlink /proc/$PPID/exe\n", { mode: 0o755 });
    await writeFile(trust, JSON.stringify({ signers }));
    const args = ["--hero", hero, "--trust", trust, "--signatures", "warn"];
    const { result, memory } = await runOneJob("", args, program);
    return [result, /\S*signature-check-\S*/.exec(memory)?.[0]];
  };
  const below = (folder: string): readonly string[] =>
    compiled.map(([name = "", path = ""]) => realpathSync(join(folder, name, path)));

  it("uses what is compiled in its packages", async () => {
    const [server, addon] = below(join(installed.folder, "node_modules/@herorunner"));
    expect(await usedBy("herorunner")).toEqual([`${server}\n`, addon]);
  });

  it("does so too where npm puts what a program needs below it, as with --global", async () => {
    const modules = join(installed.folder, "global/node_modules");
    await cp(join(installed.folder, "node_modules"), modules, { recursive: true, verbatimSymlinks: true });
    const own = join(modules, "@herorunner/herorunner/node_modules/@herorunner");
    await mkdir(own, { recursive: true });
    for (const name of ["daemon", "job", "runner"])
      await rename(join(modules, "@herorunner", name), join(own, name));
    const [server, addon] = below(own);
    expect(await usedBy(join(modules, ".bin/herorunner"))).toEqual([`${server}\n`, addon]);
  });
});

describe("the installed programs", () => {
  it.each(programs)("%s says its version and the commit that it was built from", async (name) => {
    const { version } = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8")) as {
      version: string;
    };
    const commit = await headCommit();
    const { stdout } = await installed.run(name, ["--version"]);
    expect(stdout).toBe(commit === undefined ? `${name} ${version}\n` : `${name} ${version} (${commit})\n`);
  });

  it("hero runs the script on its standard input", async () => {
    const { stdout } = await installed.run("hero", ["run", "-s"], 'print("from a tarball")');
    expect(stdout).toBe("from a tarball\n");
  });

  it("npx finds herojob without asking for it", async () => {
    const { stdout } = await installed.run("npx", ["--no-install", "herojob", "--help"]);
    expect(stdout).toContain("herojob submit");
  });

  it.each(programs)("%s has its manual page where npm looks for it", (name) => {
    const folder = name === "herosupervisor" ? "supervisor" : name;
    const { man } = JSON.parse(contentOf(folder, "package.json")) as { man: unknown };
    // npm puts it where man looks only when it is a list.
    expect(man).toEqual([`man/${name}.1`]);
    expect(contentOf(folder, `man/${name}.1`)).toContain(`.TH ${name.toUpperCase()} 1`);
  });

  it.each(programs)("%s prints completions", async (name) => {
    const { stdout } = await installed.run(name, ["completion", "bash"]);
    expect(stdout).toContain(`complete -F _${name} ${name}`);
  });

  it("herorunner runs a job with the installed hero", async () => {
    expect((await runOneJob("print(6 * 7)")).result).toBe("42\n");
  });

  it("herosupervisor serves its page, and the parser that the page checks scripts with", async () => {
    await using server = await startRedis();
    const env = { PATH: installed.path, HOME: installed.folder };
    const supervisor = spawn("herosupervisor", ["-r", server.url, "--port", "0", "--log-format", "json"], {
      env,
      cwd: installed.folder,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = once(supervisor, "exit");
    onTestFinished(() => void supervisor.kill("SIGKILL"));
    const url = await inLog(collected(supervisor.stdout), /"url":"([^"]+)"/, "the supervisor listens");
    for (const path of ["/", "/page/app.js", "/page/heroscript/index.js"]) {
      expect([path, (await fetch(new URL(path, url))).status]).toEqual([path, 200]);
    }
    supervisor.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });
});

describe("the installed libraries", () => {
  it.each(["job", "runner", "supervisor"])("the examples in the readme of %s compile", async (name) => {
    const examples = [...contentOf(name, "README.md").matchAll(/```ts\n([\s\S]*?)```/g)];
    expect(examples.length).toBeGreaterThan(0);
    for (const [at, [, example = ""]] of examples.entries()) {
      expect(example).toContain(`from "@herorunner/${name}`);
      await compile(`${name}-${at}`, example);
    }
  });

  it("every exported path has types", async () => {
    const paths = [
      "job",
      "job/trust",
      "job/testing",
      "runner",
      "runner/testing",
      "daemon",
      "hero",
      "hero/script",
    ];
    const lines = [...paths, "supervisor/client"].map(
      (path, at) =>
        `import * as module${at} from "@herorunner/${path}";\nconsole.log(Object.keys(module${at}));\n`,
    );
    await compile("paths", lines.join(""));
  });

  it("are called as the types say", async () => {
    const code = [
      'import { parseRedisUrl } from "@herorunner/job";',
      'import { defineRunner } from "@herorunner/runner";',
      'const { runnerType } = defineRunner({ runnerType: "echo", runnerId: "e", processJob: () => Promise.reject(new Error()) });',
      'console.log(runnerType, typeof parseRedisUrl("redis://localhost:6379"));',
    ].join("\n");
    await compile("calls", code);
    const { stdout } = await installed.run("node", ["calls/dist/consumer.js"]);
    expect(stdout).toBe("echo object\n");
  });

  it("a wrong call is found by the compiler", async () => {
    const code = 'import { JobClient } from "@herorunner/job";\nawait JobClient.connect(7);\n';
    await expect(compile("wrong", code)).rejects.toMatchObject({
      stdout: expect.stringContaining("consumer.ts(2,") as unknown,
    });
  });
});

/** By the installed herorunner, once it has tried which launcher works; and which files are in its memory then. */
async function runOneJob(
  payload: string,
  args: readonly string[] = [],
  program = "herorunner",
): Promise<{ readonly result: unknown; readonly memory: string }> {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  onTestFinished(() => redis.close());
  const env = {
    PATH: installed.path,
    HOME: installed.folder,
    HERORUNNER_STATE_DIR: join(server.folder, "state"),
  };
  const words = ["-r", server.url, "--log-format", "json", "--log-level", "debug", ...args, "packed"];
  const runner = spawn(program, words, {
    env,
    cwd: installed.folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(runner, "exit");
  onTestFinished(() => void runner.kill("SIGKILL"));
  const log = collected(runner.stdout);
  await inLog(log, /"message":"launcher of jobs"/, "it is known what starts the jobs");
  if (args.includes("--trust")) await inLog(log, /signatures are checked by/, "… and what checks signatures");
  await redis.call("HSET", "hero:{packed}:job:1", "payload", payload);
  await redis.call("LPUSH", "hero:{packed}:queue", "1");
  const reply = await redis.call("BRPOP", "hero:{packed}:reply:1", "30");
  expect(reply).toEqual(["hero:{packed}:reply:1", "finished"]);
  const result = await redis.call("HGET", "hero:{packed}:job:1", "result");
  const memory = readFileSync(`/proc/${runner.pid}/maps`, "utf8");
  runner.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  return { result, memory };
}

/** What it says from now on, as it comes. */
function collected(stream: Readable): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  return () => text;
}

/** What the pattern found in the log, its first group if it has one. */
async function inLog(log: () => string, pattern: RegExp, what: string): Promise<string> {
  await until(() => pattern.test(log()), what);
  const [all = "", group = all] = pattern.exec(log()) ?? [];
  return group;
}

/** A small TypeScript project in the folder of the packages; the types of Node are the only ones that come from us. */
async function compile(name: string, code: string): Promise<void> {
  const folder = join(installed.folder, name);
  const modules = join(repositoryRoot, "node_modules");
  const compilerOptions = {
    target: "es2023",
    module: "node16",
    moduleResolution: "node16",
    lib: ["es2023", "esnext.disposable"],
    strict: true,
    exactOptionalPropertyTypes: true, // the strictest that a reader may have set
    outDir: "dist",
    typeRoots: [join(modules, "@types")],
    types: ["node"],
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "consumer.ts"), code);
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
  await promisify(execFile)(join(modules, ".bin", "tsc"), ["-p", folder]);
}

/** Seven digits of it, or nothing where this is no checkout or git is not there. */
async function headCommit(): Promise<string | undefined> {
  if (!existsSync(join(repositoryRoot, ".git"))) return undefined;
  const args = ["-c", "safe.directory=*", "rev-parse", "HEAD"];
  return promisify(execFile)("git", args, { cwd: repositoryRoot }).then(
    ({ stdout }) => stdout.slice(0, 7),
    () => undefined,
  );
}
