/** Programs as bundles: what `npm run build` makes of them, and which of the two, bundle or `dist`, a bin starts. */
import { execFile, execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repositoryRoot } from "../support/built.ts";
import { startRedis } from "../support/redis-server.ts";

const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), "herorunner-bundle-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("a program of which nothing is left but its bundle", () => {
  const bins = { hero: "hero", herorunner: "herorunner", herojob: "herojob", supervisor: "herosupervisor" };
  const env: Record<string, string> = { HOME: scratch, PATH: process.env["PATH"] ?? "" };
  const binOf = (name: keyof typeof bins): string => join(scratch, name, "bin", `${bins[name]}.js`);
  const says = async (name: keyof typeof bins, args: readonly string[]): Promise<string> => {
    const answer = await run(process.execPath, [binOf(name), ...args], { env, timeout: 120_000 }).catch(
      (error: unknown) => {
        // A failed run carries what it said.
        const { stdout, stderr } = error as { stdout: string; stderr: string };
        return { stdout, stderr };
      },
    );
    return answer.stdout + answer.stderr;
  };

  beforeAll(() => {
    execFileSync(process.execPath, [join(repositoryRoot, "scripts", "bundle.mjs")]);
    for (const name of Object.keys(bins)) {
      const from = join(repositoryRoot, "packages", name);
      for (const part of ["bin", "package.json", "dist/bundle"]) {
        cpSync(join(from, part), join(scratch, name, part), { recursive: true, preserveTimestamps: true });
      }
    }
  });

  test.each(["hero", "herorunner", "herojob", "supervisor"] as const)(
    "%s knows its version",
    async (name) => {
      const { version } = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8"));
      expect(await says(name, ["--version"])).toContain(`${bins[name]} ${version}`);
    },
  );

  test("hero prints, computes in its engine, calls actors and points at errors", async () => {
    expect(await says("hero", ["run", "-s", 'print("plain")'])).toBe("plain\n");
    expect(await says("hero", ["run", "-s", "if (true) { print(6 * 7) }"])).toBe("42\n");
    expect(await says("hero", ["run", "-s", "!!git.list"])).toContain("no repositories");
    expect(await says("hero", ["run", "-s", "!!git.lst"])).toContain("git.list");
    expect(await says("hero", ["actors"])).toContain("docker");
  });

  test("hero takes actors of its user", async () => {
    const folder = join(scratch, "actors");
    mkdirSync(folder);
    const action = '{ doc: "greets", params: {}, run: () => "from outside" }';
    writeFileSync(
      join(folder, "mine.mjs"),
      `export const actor = { name: "mine", doc: "d", actions: { hi: ${action} } };`,
    );
    expect(await says("hero", ["run", "--actors", folder, "-s", "!!mine.hi"])).toContain("from outside");
  });

  test("herorunner reads a TOML file, loads its other commands and speaks Redis", async () => {
    const config = join(scratch, "herorunner.toml");
    writeFileSync(config, "concurrency = 7\n");
    expect(await says("herorunner", ["--config", config, "--print-config", "some-runner"])).toMatch(
      /concurrency.*7/,
    );
    env["HERORUNNER_PORT_6379_TCP_ADDR"] = "10.0.0.1";
    const examined = await says("herorunner", ["doctor", "-r", "redis://127.0.0.1:1"]);
    delete env["HERORUNNER_PORT_6379_TCP_ADDR"];
    expect(examined).toContain("not reachable");
    expect(examined).toContain("herorunner: environment variable HERORUNNER_PORT_6379_TCP_ADDR is not known");
  });

  test("all of them together do a job at a Redis with a password and a database", async () => {
    await using redis = await startRedis({ args: ["--requirepass", "let-me-in"] });
    env["HEROJOB_REDIS_URL"] = env["HERORUNNER_REDIS_URL"] = `unix://:let-me-in@${redis.socketPath}?db=3`;
    const id = (await says("herojob", ["submit", "--runner", "r", "-e", 'print("done")'])).trim();
    const options = ["--hero", binOf("hero"), "--isolation", "group", "--burst"];
    expect(await says("herorunner", [...options, "r"])).toContain("waiting for jobs");
    expect(await says("herojob", ["result", "--runner", "r", id])).toBe("done\n");
  });

  test("herojob makes keys and signs with them", async () => {
    const key = join(scratch, "alice.key");
    const publicKey = await says("herojob", ["keygen", "--name", "alice", "--out", key]);
    expect(publicKey).toMatch(/^0[23][0-9a-f]{64}\n/);
    const job = join(scratch, "job.json");
    writeFileSync(job, JSON.stringify({ runner: "some-runner", payload: "print(1)" }));
    expect(await says("herojob", ["sign", job, "--key", key])).toContain("signatures");
  });

  test.each(["half written", "full of zeros"])("a code cache that was left %s is not used", async (how) => {
    const folder = join(scratch, "herojob", "dist", "bundle");
    const [content = ""] = readdirSync(folder).filter((name) => name !== "start.cjs");
    const caches = readdirSync(join(folder, content)).filter((name) => name.endsWith(".cache"));
    expect(caches).toContain(`main.cjs.${process.version}-${process.arch}.cache`);
    for (const cache of caches) {
      const path = join(folder, content, cache);
      const bytes = readFileSync(path);
      writeFileSync(path, how === "half written" ? bytes.subarray(0, bytes.length / 2) : bytes.fill(0, 4096));
    }
    expect(await says("herojob", ["--version"])).toMatch(/^herojob \d/);
  });

  test("the licences of everything that is in it lie beside it", () => {
    const folder = join(scratch, "herorunner", "dist", "bundle");
    const [content = ""] = readdirSync(folder).filter((name) => name !== "start.cjs");
    const text = readFileSync(join(folder, content, "licenses.txt"), "utf8");
    for (const name of ["@redis/client", "smol-toml", "prom-client", "@noble/curves"])
      expect(text).toContain(name);
    expect(text).toContain("WITHOUT WARRANTY");
  });
});

describe("a bin", () => {
  const folder = join(scratch, "choice");
  const input = join(folder, "tsconfig.tsbuildinfo");
  const bin = join(folder, "bin", "hero.js");
  const startsFrom = (): string => execFileSync(process.execPath, [bin], { encoding: "utf8" });

  beforeAll(() => {
    for (const each of ["bin", "dist/bundle/abc"]) mkdirSync(join(folder, each), { recursive: true });
    cpSync(join(repositoryRoot, "packages", "hero", "bin"), join(folder, "bin"), { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "dist", "main.js"), 'process.stdout.write("dist");');
    const script = '(function () { process.stdout.write("bundle"); })';
    writeFileSync(join(folder, "dist", "bundle", "abc", "main.cjs"), script);
    writeFileSync(input, "compiled once");
    const { mtimeMs, size } = statSync(input);
    const made = JSON.stringify({ folder: "abc", inputs: [["../../tsconfig.tsbuildinfo", mtimeMs, size]] });
    const template = readFileSync(join(repositoryRoot, "scripts", "bundle", "start.cjs"), "utf8");
    const start = template.replace(/const made = .*;/, `const made = ${made};`);
    if (start === template) throw new Error("start.cjs has no place for what a bundle was made of");
    writeFileSync(join(folder, "dist", "bundle", "start.cjs"), start);
  });

  test("starts the bundle that was made of this very build", () => {
    expect(startsFrom()).toBe("bundle");
  });

  test("starts dist when it was compiled again since", () => {
    writeFileSync(input, "compiled again");
    expect(startsFrom()).toBe("dist");
  });

  test("starts the bundle where nothing can be compiled: in an installed package", () => {
    rmSync(input);
    expect(startsFrom()).toBe("bundle");
  });

  test("starts dist when a build is just taking the old bundle away, or has made none", () => {
    rmSync(join(folder, "dist", "bundle", "abc"), { recursive: true });
    expect(startsFrom()).toBe("dist");
    rmSync(join(folder, "dist", "bundle"), { recursive: true });
    expect(startsFrom()).toBe("dist");
  });
});
