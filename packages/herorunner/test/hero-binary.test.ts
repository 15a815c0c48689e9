import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findHero, HeroLocator } from "../src/hero-binary.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "herorunner-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function program(path: string): Promise<string> {
  await writeFile(path, "#!/bin/sh\n", { mode: 0o755 });
  return path;
}

test("a name is looked for on PATH, in its order", async () => {
  const [first, second] = [await folder(), await folder()];
  const path = await program(join(second, "hero"));
  expect(findHero("hero", `${first}:${second}`)).toEqual({ found: true, path });
  const earlier = await program(join(first, "hero"));
  expect(findHero("hero", `${first}:${second}`)).toEqual({ found: true, path: earlier });
});

test("what is no program is passed over: a folder, a file that may not be executed", async () => {
  const [first, second, third] = [await folder(), await folder(), await folder()];
  await mkdir(join(first, "hero"));
  await writeFile(join(second, "hero"), "", { mode: 0o644 });
  const path = await program(join(third, "hero"));
  expect(findHero("hero", `${first}:${second}:${third}`)).toEqual({ found: true, path });
});

test("an answer of no names what was looked for, where, and the next step", () => {
  const answer = findHero("hero", "/nowhere:/else");
  expect(answer).toEqual({
    ...{ found: false, reason: "hero_not_found" },
    sentence: 'no program "hero" was found (PATH is /nowhere:/else); install it or name it with --hero PATH',
  });
  expect(findHero("hero", "")).toMatchObject({ found: false, reason: "hero_not_found" });
  expect(findHero("/nowhere/hero", "")).toEqual({
    ...{ found: false, reason: "hero_not_found" },
    sentence: "/nowhere/hero does not exist; install hero there or name it with --hero PATH",
  });
  expect(findHero("/dev/null/hero", "")).toMatchObject({ reason: "hero_not_found" });
});

test("a path that leads to something else than a program is there, and cannot be started", async () => {
  const path = await folder();
  await writeFile(join(path, "file"), "", { mode: 0o644 });
  for (const [name, sentence] of [
    [path, /is a folder, not a program; .*--hero PATH$/],
    [join(path, "file"), /file may not be executed by this user; try chmod \+x$/],
    ["/dev/null", /is not a regular file/],
  ] as const)
    expect(findHero(name, "")).toEqual({
      ...{ found: false, reason: "could_not_start" },
      sentence: expect.stringMatching(sentence) as string,
    });
});

test("a binary that appears later is found, one that vanishes is missed, and one that moved is found again", async () => {
  const [first, second] = [await folder(), await folder()];
  const locator = new HeroLocator("hero", `${first}:${second}`);
  expect(locator.locate().found).toBe(false);
  const path = await program(join(second, "hero"));
  expect(locator.locate()).toEqual({ found: true, path });
  await rm(path);
  expect(locator.locate().found).toBe(false);
  const moved = await program(join(first, "hero"));
  expect(locator.locate()).toEqual({ found: true, path: moved });
  await chmod(moved, 0o644);
  expect(locator.locate().found).toBe(false);
});
