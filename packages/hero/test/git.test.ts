import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { locateRepository } from "../src/actors/git-location.ts";
import { temporaryFolder } from "./support/hero.ts";
import { runScript } from "./support/run-script.ts";

interface World {
  readonly home: string;
  readonly env: Record<string, string>;
  /** Runs git by hand. */
  readonly git: (folder: string, ...args: string[]) => string;
  /** Path of the clone a script makes of demo. */
  readonly demo: string;
  readonly run: (text: string) => ReturnType<typeof runScript>;
}

/** https://git.example.org/acme/demo and …/site, served from a folder; nothing reaches the network. */
function world(): World {
  const root = temporaryFolder();
  const home = join(root, "home");
  mkdirSync(home);
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_COUNT: "3",
    GIT_CONFIG_KEY_0: `url.file://${root}/served/.insteadOf`,
    GIT_CONFIG_VALUE_0: "https://git.example.org/",
    GIT_CONFIG_KEY_1: "user.name",
    GIT_CONFIG_VALUE_1: "Test",
    GIT_CONFIG_KEY_2: "user.email",
    GIT_CONFIG_VALUE_2: "test@example.org",
  };
  const git = (folder: string, ...args: string[]) =>
    execFileSync("git", ["-C", folder, ...args], {
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  for (const name of ["demo", "site"]) {
    const bare = join(root, `served/acme/${name}.git`);
    const work = join(root, `work/${name}`);
    mkdirSync(bare, { recursive: true });
    mkdirSync(work, { recursive: true });
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main");
    git(work, "init", "--quiet", "--initial-branch=main");
    writeFileSync(join(work, "file.txt"), "one\n");
    git(work, "add", ".");
    git(work, "commit", "--quiet", "-m", "one");
    git(work, "branch", "next");
    git(work, "push", "--quiet", bare, "main", "next");
  }
  return {
    home,
    env,
    git,
    demo: join(home, "code/git.example.org/acme/demo"),
    run: (text) => runScript(text, { env, home, folder: root }),
  };
}

const cloneBoth = [
  "!!git.clone url:https://git.example.org/acme/demo",
  "!!git.clone url:'https://git.example.org/acme/site.git'",
  "",
].join("\n");

describe("the git actor, with real repositories", () => {
  test("clones to its place, and leaves a clone that is there alone", async () => {
    const { run, demo } = world();
    const { out, code, report } = await run("!!git.clone url:https://git.example.org/acme/demo\n".repeat(2));
    expect(report).toBe("");
    expect(out).toEqual([
      "cloned ~/code/git.example.org/acme/demo",
      "~/code/git.example.org/acme/demo is there already",
    ]);
    expect(code).toBe(0);
    expect(readFileSync(join(demo, "file.txt"), "utf8")).toBe("one\n");
  });

  test("lists what there is, sorted, with what there is to do", async () => {
    const { run, demo, git } = world();
    await run(cloneBoth);
    writeFileSync(join(demo, "new.txt"), "x");
    git(join(demo, "../site"), "commit", "--quiet", "--allow-empty", "-m", "two");
    const { out, code } = await run(
      "!!git.list\n!!git.list name:site\nprint(git.list({filter: 'demo'})[0].dirty)",
    );
    expect(out).toEqual([
      "~/code/git.example.org/acme/demo  [main]  COMMIT\n~/code/git.example.org/acme/site  [main]  PUSH",
      "~/code/git.example.org/acme/site  [main]  PUSH",
      "true",
    ]);
    expect(code).toBe(0);
  });

  test("an empty list is fine and said on standard error", async () => {
    const { run } = world();
    expect(await run("!!git.list")).toMatchObject({
      out: [],
      code: 0,
      notes: ["git.list: no repositories match below ~/code"],
    });
  });

  test("commits with a message of several lines, tags, pushes and pulls", async () => {
    const { run, demo, git } = world();
    await run(cloneBoth);
    writeFileSync(join(demo, "file.txt"), "two\n");
    const { out, report } = await run(
      [
        "!!git.repo_action action:commit name:demo",
        "    message:'",
        "        It's done; $(touch /tmp/never) `x`",
        "",
        '        Second paragraph with "quotes".',
        "    '",
        "!!git.repo_action action:push name:demo",
        "!!git.push name:demo",
        "!!git.repo_action action:tag_create name:demo tagname:v1",
        "!!git.pull account:acme",
      ].join("\n"),
    );
    expect(report).toBe("");
    expect(out.slice(1)).toEqual([
      "push git.example.org/acme/demo: pushed 1 commit",
      "push git.example.org/acme/demo: nothing to push",
      "tag_create git.example.org/acme/demo: created tag v1",
      "pull git.example.org/acme/demo: up to date\npull git.example.org/acme/site: up to date",
    ]);
    const message = git(demo, "log", "-1", "--format=%B").trim();
    expect(message).toBe('It\'s done; $(touch /tmp/never) `x`\n\nSecond paragraph with "quotes".');
  });

  test("switches branches and tags, and refuses to with changes", async () => {
    const { run, demo } = world();
    await run(cloneBoth);
    const { out } = await run(
      [
        "!!git.repo_action action:branch_switch name:demo branchname:next",
        "!!git.repo_action action:tag_create name:demo tagname:v1",
        "!!git.repo_action action:tag_switch name:demo tagname:v1",
        "!!git.list name:demo",
        "!!git.repo_action action:branch_create name:demo branchname:mine",
        "!!git.repo_action action:branch_switch name:demo branchname:mine",
      ].join("\n"),
    );
    expect(out[3]).toBe("~/code/git.example.org/acme/demo  [[v1]]");
    expect(out[5]).toBe("branch_switch git.example.org/acme/demo: on branch mine");
    writeFileSync(join(demo, "file.txt"), "changed\n");
    const refused = await run("!!git.repo_action action:branch_switch name:demo branchname:main");
    expect(refused.code).toBe(1);
    expect(refused.report).toContain("has changes that are not committed");
    const pull = await run("!!git.pull name:demo");
    expect(pull.report).toContain("has changes that are not committed");
  });

  test("resets and deletes", async () => {
    const { run, demo } = world();
    await run(cloneBoth);
    writeFileSync(join(demo, "file.txt"), "changed\n");
    writeFileSync(join(demo, "untracked"), "");
    const { out } = await run("!!git.repo_action action:reset name:demo\n!!git.list name:demo");
    expect(out[1]).toBe("~/code/git.example.org/acme/demo  [main]");
    expect(existsSync(join(demo, "untracked"))).toBe(false);
    await run("!!git.repo_action action:delete name:demo");
    expect(existsSync(demo)).toBe(false);
    expect(existsSync(join(demo, "../site"))).toBe(true);
  });

  test("a branch in the address or as a parameter is checked out", async () => {
    const { run, demo, git } = world();
    await run("!!git.clone url:https://git.example.org/acme/demo/src/branch/next/docs");
    expect(git(demo, "branch", "--show-current").trim()).toBe("next");
    await run("!!git.clone url:https://git.example.org/acme/site branch:next light:false");
    expect(git(join(demo, "../site"), "branch", "--show-current").trim()).toBe("next");
  });

  test("git.define moves everything after it", async () => {
    const { run, home } = world();
    const { out } = await run(
      [
        "!!git.define coderoot:'~/elsewhere' log:false",
        cloneBoth,
        "!!git.list name:demo",
        "!!core.coderoot_set coderoot:'~/third'",
        "!!git.list",
      ].join("\n"),
    );
    expect(out).toEqual(["~/elsewhere/git.example.org/acme/demo  [main]"]);
    expect(existsSync(join(home, "third"))).toBe(true);
  });

  test("a clone leaves alone what another hero with the same pid, in a container of its own, is about to make", async () => {
    const { demo, run } = world();
    const other = join(dirname(demo), `.demo.partial-${process.pid}`);
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, "theirs"), "");
    expect(await run("!!git.clone url:https://git.example.org/acme/demo")).toMatchObject({ code: 0 });
    expect(await run("!!git.clone url:https://git.example.org/acme/missing")).toMatchObject({ code: 1 });
    expect(readdirSync(dirname(demo)).sort()).toEqual([basename(other), "demo"]);
    expect(readdirSync(other)).toEqual(["theirs"]);
  });

  test("a clone that fails leaves nothing behind and says what git said", async () => {
    const { run, home } = world();
    const { code, report } = await run("!!git.clone url:https://git.example.org/acme/missing");
    expect(code).toBe(1);
    expect(report).toMatch(/git\.clone failed: git clone ended with status 128: .*missing/);
    expect(existsSync(join(home, "code/git.example.org/acme/missing"))).toBe(false);
    const second = await run("!!git.clone url:https://git.example.org/acme/missing");
    expect(second.report).toContain("status 128");
  });

  test("no match is an error, unless it is to be ignored", async () => {
    const { run } = world();
    expect((await run("!!git.repo_action action:pull name:nothing")).report).toContain(
      "no repository matches below ~/code",
    );
    expect(await run("!!git.repo_action action:pull name:nothing error_ignore:true")).toMatchObject({
      code: 0,
    });
  });

  test.each([
    ["!!git.repo_action action:pull", "needs a selection"],
    ["!!git.pull", "needs a selection"],
    ["!!git.repo_action action:commit name:x", "commit needs message"],
    ["!!git.repo_action action:branch_create name:x", "branch_create needs branchname"],
    ["!!git.repo_action action:pul name:x", 'did you mean "pull"?'],
    ["!!git.repo_action action:branch_create name:x branchname:'-D'", "looks like an option"],
    ["!!git.clone url:'--upload-pack=x'", "looks like an option"],
    ["!!git.clone url:'ext::sh -c x'", "white space"],
    ["!!git.clone url:'https://git.example.org/acme'", "must name a host, an account and a repository"],
    ["!!git.clone url:'https://git.example.org/../../x'", "cannot be part of a repository's place"],
    ["!!git.define ssh_key_path:'/x; touch y'", "cannot be passed to ssh safely"],
  ])("%s is refused before anything runs", async (text, message) => {
    const { code, report, out } = await runScript(`print("no")\n${text}`);
    expect(report).toContain(message);
    expect(out).toEqual([]);
    expect(code).toBe(5);
  });
});

describe("the git actor, with repositories in odd states", () => {
  test("the first push to an empty repository pushes", async () => {
    const { home, git, run } = world();
    const bare = join(home, "../served/acme/empty.git");
    mkdirSync(bare);
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main");
    await run("!!git.clone url:https://git.example.org/acme/empty");
    const clone = join(home, "code/git.example.org/acme/empty");
    expect((await run("!!git.push name:empty")).out).toEqual([
      "push git.example.org/acme/empty: nothing to push",
    ]);
    writeFileSync(join(clone, "new.txt"), "x");
    const { code, out } = await run("!!git.commit name:empty message:'first'\n!!git.push name:empty");
    expect(out.at(-1)).toBe("push git.example.org/acme/empty: pushed main");
    expect(code).toBe(0);
    expect(git(bare, "log", "--format=%s", "main").trim()).toBe("first");
  });

  test("a branch whose remote branch was removed is pushed again when it has commits of its own", async () => {
    const { home, git, demo, run } = world();
    const bare = join(home, "../served/acme/demo.git");
    await run("!!git.clone url:https://git.example.org/acme/demo light:false");
    git(demo, "switch", "--quiet", "next");
    git(bare, "branch", "-D", "next");
    git(demo, "fetch", "--quiet", "--prune");
    expect((await run("!!git.push name:demo")).out).toEqual([
      "push git.example.org/acme/demo: nothing to push",
    ]);
    expect(git(bare, "branch", "--list", "next")).toBe("");
    git(demo, "commit", "--quiet", "--allow-empty", "-m", "two");
    expect((await run("!!git.push name:demo")).out).toEqual(["push git.example.org/acme/demo: pushed next"]);
    expect(git(bare, "log", "-1", "--format=%s", "next").trim()).toBe("two");
  });

  test("a new branch is pushed, with commits of its own or without", async () => {
    const { home, git, demo, run } = world();
    await run("!!git.clone url:https://git.example.org/acme/demo");
    git(demo, "switch", "--quiet", "--create", "mine");
    expect((await run("!!git.push name:demo")).out).toEqual(["push git.example.org/acme/demo: pushed mine"]);
    const bare = join(home, "../served/acme/demo.git");
    expect(git(bare, "branch", "--list", "mine").trim()).toBe("mine");
  });

  test("a repository on no branch cannot be pulled, and the message says so", async () => {
    const { git, demo, run } = world();
    await run("!!git.clone url:https://git.example.org/acme/demo");
    git(demo, "checkout", "--quiet", "--detach");
    const { code, report } = await run("!!git.pull name:demo");
    expect(report).toContain(`${demo} is on no branch`);
    expect(code).toBe(1);
  });

  test.each([
    ["code", "git status ended with status 128: fatal: not a git repository"],
    ["a:b/code", "git cannot be kept to "],
  ])("a damaged clone below %s is an error and never the repository around it", async (coderoot, problem) => {
    const { home, git, run } = world();
    git(home, "init", "--quiet", "--initial-branch=main");
    const precious = join(home, "precious.txt");
    writeFileSync(precious, "kept");
    git(home, "add", "precious.txt");
    git(home, "commit", "--quiet", "-m", "one");
    writeFileSync(precious, "work of a day");
    mkdirSync(join(home, coderoot, "github/acme/broken/.git"), { recursive: true });
    const define = `!!git.define coderoot:'~/${coderoot}'\n`;
    const { code, report } = await run(`${define}!!git.repo_action action:reset name:broken`);
    expect(readFileSync(precious, "utf8")).toBe("work of a day");
    expect(report).toContain(`github/acme/broken: ${problem}`);
    expect(code).toBe(1);
    const { out } = await run(`${define}!!git.list name:broken`);
    expect(out.join()).toContain("ERROR");
  });

  test("a reset of a clone that has its files elsewhere is an error and removes nothing there", async () => {
    const { home, git, demo, run } = world();
    await run("!!git.clone url:https://git.example.org/acme/demo");
    const elsewhere = join(home, "elsewhere");
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "precious.txt"), "kept");
    git(demo, "config", "core.worktree", elsewhere);
    const { code, report } = await run("!!git.repo_action action:reset name:demo");
    expect(readdirSync(elsewhere)).toEqual(["precious.txt"]);
    expect(report).toContain(`the files of ${demo} are in ${elsewhere}; reset them there`);
    expect(code).toBe(1);
  });

  test("below a hook of git, actions work on their own repositories", async () => {
    const { home, env, git, demo, run } = world();
    await run("!!git.clone url:https://git.example.org/acme/demo");
    const other = join(home, "other");
    mkdirSync(other);
    git(other, "init", "--quiet", "--initial-branch=other");
    const hook = { ...env, GIT_DIR: join(other, ".git"), GIT_WORK_TREE: other, GIT_INDEX_FILE: "index" };
    const { out } = await runScript("!!git.list\n!!git.clone url:https://git.example.org/acme/site", {
      env: hook,
      home,
    });
    expect(out).toEqual([
      "~/code/git.example.org/acme/demo  [main]",
      "cloned ~/code/git.example.org/acme/site",
    ]);
    expect(git(demo, "status", "--porcelain")).toBe("");
  });
});

describe("the place of a repository", () => {
  test.each([
    ["https://github.com/acme/demo", "github/acme/demo", "https://github.com/acme/demo.git"],
    ["https://github.com/acme/demo.git", "github/acme/demo", "https://github.com/acme/demo.git"],
    ["github.com/acme/demo", "github/acme/demo", "https://github.com/acme/demo.git"],
    ["git@git.example.org:acme/demo.git", "git.example.org/acme/demo", "git@git.example.org:acme/demo.git"],
    [
      "ssh://git@git.example.org:2222/acme/demo",
      "git.example.org/acme/demo",
      "ssh://git@git.example.org:2222/acme/demo.git",
    ],
    [
      "http://git.example.org:3000//acme/demo/tree/main/docs#top",
      "git.example.org/acme/demo",
      "http://git.example.org:3000/acme/demo.git",
    ],
    ["/srv/git/acme/demo.git", "local/acme/demo", "/srv/git/acme/demo.git"],
    ["file:///srv/git/acme/demo", "local/acme/demo", "file:///srv/git/acme/demo"],
  ])("%s", (address, place, url) => {
    const found = locateRepository(address);
    if ("fault" in found) throw new Error(found.fault);
    const { provider, account, name } = found.location;
    expect([`${provider}/${account}/${name}`, found.location.url]).toEqual([place, url]);
  });

  test.each([
    ["https://host/a"],
    [""],
    ["-x"],
    ["ftp://h/a/b"],
    ["a b/c/d"],
    ["https://h/a/.."],
    ["https://h/-a/b"],
    ["/x"],
  ])("%j is refused", (address) => {
    expect(locateRepository(address)).toHaveProperty("fault");
  });
});
