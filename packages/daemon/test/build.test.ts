import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildInfo, buildText } from "../src/index.ts";

const commit = "838d4ab7c0ffee00838d4ab7c0ffee00838d4ab7";
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "herorunner-build-"));
  mkdirSync(join(folder, "dist", "bundle"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "x", version: "1.2.3" }));
});
afterEach(() => rmSync(folder, { recursive: true }));

function moduleAt(path: string): string {
  return pathToFileURL(join(folder, path)).href;
}

test("version and commit are found from sources, compiled files and bundles alike", () => {
  writeFileSync(join(folder, "dist", "build.json"), JSON.stringify({ commit }));
  for (const path of ["src/version.ts", "dist/version.js", "dist/bundle/deep/main.js"]) {
    expect(buildInfo(moduleAt(path)), path).toEqual({ version: "1.2.3", commit });
  }
});

test("without the file of the build, or with nonsense in it, the commit is not there", () => {
  const bare = { version: "1.2.3", commit: undefined };
  expect(buildInfo(moduleAt("dist/version.js"))).toEqual(bare);
  for (const nonsense of ["", "null", "[]", '{"commit":7}', "{", '"commit"']) {
    writeFileSync(join(folder, "dist", "build.json"), nonsense);
    expect(buildInfo(moduleAt("dist/version.js")), nonsense).toEqual(bare);
  }
});

test("a module outside any package has no build", () => {
  expect(buildInfo("file:///main.js")).toEqual({ version: "0.0.0", commit: undefined });
});

test("people see seven digits of the commit, or the version alone", () => {
  expect(buildText({ version: "1.2.3", commit })).toBe("1.2.3 (838d4ab)");
  expect(buildText({ version: "1.2.3", commit: undefined })).toBe("1.2.3");
});
