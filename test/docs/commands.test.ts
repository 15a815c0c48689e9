/**
 * Every command of our pages is pasted, page by page, as a reader would: see support/page-shell.ts. What a block is for is
 * said behind its language, where readers do not see it:
 *
 *   sh                      every command succeeds
 *   console                 `$ ` commands, and what they answer; `…` is anything, `# exit code 3` is meant
 *   stays                   one command, which stays in the foreground until somebody ends it
 *   not-run=REASON          cannot be run here, for a reason of the list below; read, and its flags looked up
 *   tested-by=FILE          run by that test
 *   save=NAME               (any language) the reader is told to save it under this name
 *   same-as=PATH            (any language) is that file, or a part of it
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repositoryRoot } from "../support/built.ts";
import { knownFlags, unknownFlags } from "./support/flags.ts";
import { type Block, blocksOf, inlineCode, pages, pageText } from "./support/markdown.ts";
import { openPageShell } from "./support/page-shell.ts";
import { matches, runBlock, stepsOf } from "./support/run-block.ts";
import { faultOf, recoverySections, setUpOf, wordsOf } from "./support/set-ups.ts";

/** Why a block may not be run here. A closed list. */
const reasons = {
  system: "installs packages, or changes services, users or folders of the whole machine",
  docker: "needs a Docker engine",
  kubernetes: "needs a Kubernetes cluster",
  hosts: "names hosts, or files of hosts, that are not here",
  release: "needs a version of ours that is not out yet",
};

/** Pages and what of them is not run. A new entry is a decision. */
const notRun: Readonly<Record<string, readonly string[]>> = {
  "README.md": ["tested by test/fresh-machine/npm-start.test.ts"],
  "docs/deploy.md": ["docker", "hosts", "kubernetes", "system"],
  "docs/getting-started.md": ["tested by test/fresh-machine/npm-start.test.ts"],
  "docs/recovery.md": ["system"],
  "docs/submitting.md": ["tested by test/e2e/client-examples.test.ts"],
};

/** Pages whose commands a test of their own runs. */
const testedBy: Readonly<Record<string, string>> = { "docs/protocol.md": "test/protocol/protocol.test.ts" };

const isCommand = ({ language }: Block): boolean => ["sh", "bash", "console", "shell"].includes(language);
const excuse = ({ marks }: Block): string | undefined => {
  if (marks.has("not-run")) return marks.get("not-run");
  return marks.has("tested-by") ? `tested by ${marks.get("tested-by")}` : undefined;
};

const all = pages().flatMap((page) => blocksOf(page));
const commands = all.filter(isCommand);
const runnable = (page: string): readonly Block[] =>
  all.filter((block) => block.page === page && !(isCommand(block) && excuse(block) !== undefined));

describe.concurrent("what a reader pastes works, page by page:", () => {
  const withCommands = pages().filter(
    (page) => testedBy[page] === undefined && runnable(page).some(isCommand),
  );
  test.for(withCommands)("%s", async (page) => {
    await using shell = await openPageShell();
    const faults: string[] = [];
    const prepare = async (commands: string, what: string): Promise<void> => {
      const { failed, output } = await shell.run(commands);
      if (failed !== "") faults.push(`${page}: ${what} could not be made: ${failed}\n${output}`);
    };
    await prepare(setUpOf(page), "what has to be there first");
    const seen = new Set<string>();
    let section = "";
    for (const block of runnable(page)) {
      const name = block.marks.get("save");
      if (name !== undefined) writeFileSync(join(shell.folder, name), block.text);
      const text = wordsOf(page).reduce((sum, [word, value]) => sum.replaceAll(word, value), block.text);
      if (!isCommand(block) || (text !== block.text && seen.has(text))) continue;
      seen.add(text);
      const fault = block.section === section ? undefined : faultOf(page, block.section);
      section = block.section;
      if (fault !== undefined) await prepare(fault, `the fault of "${section}"`);
      faults.push(...(await runBlock(shell, { ...block, text })));
    }
    expect(faults.join("\n\n")).toBe("");
  });
});

test("every section of docs/recovery.md has its fault, and the other way round", () => {
  const sections = [...pageText("docs/recovery.md").matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
  expect(recoverySections).toEqual(sections);
});

test("what is not run is excused, for a reason of the list", () => {
  const excused = new Map<string, Set<string>>();
  for (const block of commands) {
    const why = excuse(block);
    if (why === undefined) continue;
    excused.set(block.page, (excused.get(block.page) ?? new Set()).add(why));
    const test = block.marks.get("tested-by");
    if (test === undefined) expect(Object.keys(reasons)).toContain(why);
    else expect(existsSync(join(repositoryRoot, test)), `${block.page} says ${test}`).toBe(true);
  }
  expect(Object.fromEntries([...excused].map(([page, whys]) => [page, [...whys].sort()]))).toEqual(notRun);
});

test("a page with a test of its own is read by that test", () => {
  for (const [page, file] of Object.entries(testedBy))
    expect(readFileSync(join(repositoryRoot, file), "utf8")).toContain(page.split("/").at(-1));
});

test("blocks that are not run are at least shell", () => {
  for (const block of commands.filter((one) => excuse(one) !== undefined)) {
    const text =
      block.language === "console"
        ? stepsOf(block.text)
            .map(({ command }) => command)
            .join("\n")
        : block.text;
    const check = (): unknown =>
      execFileSync("bash", ["-n"], { input: text, stdio: ["pipe", "pipe", "pipe"] });
    expect(check, `${block.page}:${block.line}`).not.toThrow();
  }
});

test("no block leaves a umask behind that keeps what is installed next from the user of a service", () => {
  const faults = commands.filter(
    ({ text }) => /^umask/m.test(text) && !/^umask 022$/.test(text.match(/^umask.*$/gm)?.at(-1) ?? ""),
  );
  expect(faults.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
});

test("every flag of ours that a page names exists", () => {
  const faults = [
    ...all.flatMap((block) => unknownFlags(block.text).map((flag) => `${block.page}:${block.line}: ${flag}`)),
    ...pages().flatMap((page) =>
      inlineCode(page).flatMap((code) => unknownFlags(code).map((flag) => `${page}: ${flag}`)),
    ),
  ];
  expect(faults).toEqual([]);
});

test("commands stand in blocks that are run, not in ones of another language", () => {
  const languages = new Set(all.map(({ language }) => language));
  const known = [
    "sh",
    "console",
    "ts",
    "js",
    "json",
    "hero",
    "mermaid",
    "",
    "toml",
    "ini",
    "python",
    "yaml",
    "text",
  ];
  expect([...languages].filter((language) => !known.includes(language))).toEqual([]);
});

test("listings are what their files say", () => {
  for (const { page, line, marks, text } of all) {
    const path = marks.get("same-as");
    if (path === undefined) continue;
    expect(readFileSync(join(repositoryRoot, path), "utf8"), `${page}:${line}`).toContain(text);
  }
});

describe("the reading of blocks", () => {
  test("a console block is commands, their answers and exit codes", () => {
    expect(stepsOf("$ a \\\n> b\none\ntwo\n$ c # exit code 3\n")).toEqual([
      { command: "a \\\nb", shown: "one\ntwo", exitCode: 0 },
      { command: "c # exit code 3", shown: "", exitCode: 3 },
    ]);
  });

  test("… stands for anything in its line, or for lines", () => {
    expect(matches("job 42 is done\n", "job … is done")).toBe(true);
    expect(matches("a\nb\nc\n", "a\n…\nc")).toBe(true);
    expect(matches("a\nc\n", "a\n…\nc")).toBe(true);
    expect(matches("job 42\nis done\n", "job … is done")).toBe(false);
    expect(matches("more\n", "")).toBe(false);
  });

  test("flags are looked up where a program of ours is called", () => {
    expect(unknownFlags("sudo A=1 herojob submit --wait --colour -e 'x --no' | grep --other x")).toEqual([
      "herojob --colour",
    ]);
    expect(unknownFlags("echo herojob --colour")).toEqual([]);
    expect(knownFlags("hero")).toContain("--plan");
    expect(knownFlags("herorunner")).toContain("--redis-url-file");
    expect(knownFlags("herojob").has("--listen")).toBe(false);
  });
});
