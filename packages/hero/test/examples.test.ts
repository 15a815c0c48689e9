import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dockerStub } from "./support/docker-stub.ts";
import { hero, repository, temporaryFolder } from "./support/hero.ts";

const folder = join(repository, "examples");

function run(name: string, env: Record<string, string> = {}, args: readonly string[] = []) {
  return hero(["run", join(folder, name), "--actors", join(folder, "actors"), "--", ...args], { env });
}

/** Repositories of git.example.org/acme, served from a folder. */
function served(...names: string[]): { env: Record<string, string>; home: string } {
  const home = temporaryFolder();
  const env: Record<string, string> = {
    HOME: home,
    PATH: process.env["PATH"] ?? "",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_COUNT: "3",
    GIT_CONFIG_KEY_0: `url.file://${home}/served/.insteadOf`,
    GIT_CONFIG_VALUE_0: "https://git.example.org/",
    GIT_CONFIG_KEY_1: "user.name",
    GIT_CONFIG_VALUE_1: "Test",
    GIT_CONFIG_KEY_2: "user.email",
    GIT_CONFIG_VALUE_2: "test@example.org",
  };
  for (const name of names) {
    const bare = join(home, `served/acme/${name}.git`);
    const work = join(home, `work/${name}`);
    const git = (at: string, ...args: string[]) =>
      execFileSync("git", ["-C", at, ...args], { env, stdio: "ignore" });
    mkdirSync(bare, { recursive: true });
    mkdirSync(work, { recursive: true });
    git(bare, "init", "--bare", "--initial-branch=main");
    git(work, "init", "--initial-branch=main");
    git(work, "commit", "--allow-empty", "-m", "one");
    git(work, "push", bare, "main");
  }
  return { env, home };
}

describe("the examples", () => {
  test("are all checked, and formatted as hero fmt has it", () => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".hero"));
    expect(files).toHaveLength(10);
    const paths = files.map((name) => join(folder, name));
    expect(hero(["check", "--actors", join(folder, "actors"), ...paths])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(hero(["fmt", "--check", ...paths])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("hello.hero", () => {
    expect(run("hello.hero", { HERO_JOB_ID: "42" }).stdout).toBe(
      "Hello from heroscript!\n42\nactions and statements run in the order in which they stand\n",
    );
  });

  test("clone-and-pull.hero clones, and pulls the second time", () => {
    const { env } = served("website", "api", "docs");
    const first = run("clone-and-pull.hero", env);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("cloned ~/code/git.example.org/acme/website\n");
    const second = run("clone-and-pull.hero", env);
    expect(second.stdout).toContain("~/code/git.example.org/acme/api is there already, up to date\n");
    expect(second.stdout).toMatch(/3 repositories are fresh\n$/);
  });

  test("release.hero commits, tags and pushes", () => {
    const { env, home } = served("website");
    hero(["run", "-s"], { input: "!!git.clone url:https://git.example.org/acme/website", env });
    writeFileSync(join(home, "code/git.example.org/acme/website/new.txt"), "new\n");
    expect(run("release.hero", env, ["1.4"])).toMatchObject({ code: 1, stdout: "" });
    const end = run("release.hero", env, ["1.4.0"]);
    expect(end).toMatchObject({ code: 0, stderr: "" });
    expect(end.stdout).toContain("created tag v1.4.0");
    const log = execFileSync(
      "git",
      ["-C", join(home, "served/acme/website.git"), "log", "-1", "--format=%B", "main"],
      {
        encoding: "utf8",
      },
    );
    expect(log.trim()).toBe("Release 1.4.0\n\nBuilt by release.hero; see the change log for what is in it.");
  });

  test("restart-matching.hero restarts what matches", () => {
    const stub = dockerStub();
    stub.answer(
      "json",
      "ps",
      '{"Names":"web-1","Image":"a"}\n{"Names":"db","Image":"b"}\n{"Names":"web-2","Image":"a"}\n',
    );
    expect(run("restart-matching.hero", stub.env)).toMatchObject({ code: 0, stderr: "" });
    expect(stub.calls().slice(1)).toEqual([
      ["restart", "-t", "10", "web-1"],
      ["restart", "-t", "10", "web-2"],
    ]);
    expect(run("restart-matching.hero", stub.env, ["nothing"]).stdout).toBe(
      "no running container starts with nothing\n",
    );
  });

  test("loop-and-branch.hero", () => {
    expect(run("loop-and-branch.hero").stdout).toBe(
      "1/3 check: done\n2/3 build: done\n3/3 publish: skipped\n",
    );
    expect(run("loop-and-branch.hero", { PUBLISH: "yes" }).stdout).toContain("3/3 publish: done");
  });

  test("include.hero", () => {
    expect(run("include.hero").stdout).toBe(
      "web listens on port 8080\napi listens on port 9090\nboth announced\n",
    );
  });

  test("own-actor.hero", () => {
    const { stdout, code } = run("own-actor.hero");
    expect(stdout).toMatch(/^\d+ files, \d+ KiB\nparts holds something\n$/);
    expect(code).toBe(0);
  });

  test("environment.hero", () => {
    expect(run("environment.hero", { STAGE: "live" }).stdout).toBe(
      "this is live\nsession variable live, script variable 12 characters long\n",
    );
  });

  test("container-report.hero", () => {
    const stub = dockerStub();
    stub.answer("text", "ps", "NAMES\nweb-1\n");
    stub.answer("json", "ps", '{"Names":"web-1"}\n');
    expect(run("container-report.hero", stub.env).stdout).toBe("NAMES\nweb-1\nnot running: web-2, db\n");
  });

  test("deploy.hero", () => {
    const stub = dockerStub();
    stub.answer("json", "ps", '{"Names":"web"}\n');
    expect(run("deploy.hero", stub.env, ["acme/web:2"])).toMatchObject({ code: 0, stderr: "" });
    expect(stub.calls().map(([verb]) => verb)).toEqual(["pull", "ps", "rm", "run", "logs"]);
  });
});
