/** What herorunner doctor says of the processes that start the jobs. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { processesTagged } from "../../../test/support/bad-child.ts";
import { needSpawnServer } from "../../../test/support/native-spawn-server.ts";
import { until } from "../../../test/support/until.ts";
import { checkLauncher, serverFinding } from "../src/doctor/launcher-check.ts";

await needSpawnServer();

test("where they were compiled, that is what is used, and the trial leaves nothing", async () => {
  expect(await checkLauncher({ launcher: "auto", prewarm: 0 })).toMatchObject({
    ...{ name: "launcher", ok: true, sentence: "compiled spawn servers" },
  });
  const isOurs = (pid: number): boolean => {
    try {
      return readFileSync(`/proc/${pid}/status`, "utf8").includes(`PPid:\t${process.pid}\n`);
    } catch {
      return false; // gone meanwhile
    }
  };
  await until(() => !processesTagged("herorunner-spawn-server").some(isOurs), "the server is gone");
});

test("a launcher that was asked for is fine", async () => {
  for (const [launcher, sentence] of [
    ["python", /^spawn servers in Python, as --launcher says$/],
    ["plain", /^plain, as --launcher says$/],
  ] as const) {
    expect(await checkLauncher({ launcher, prewarm: 0 })).toMatchObject({
      ...{ ok: true, sentence: expect.stringMatching(sentence) },
    });
  }
});

test("Python because nothing was compiled is a note, with where the other is had", () => {
  expect(serverFinding({ launcher: "auto", prewarm: 0 }, "python")).toMatchObject({
    ...{ name: "launcher", ok: false, severity: "note", sentence: expect.stringMatching(/in Python/) },
    fix: expect.stringMatching(/docs\/operations\.md/),
  });
});

test.each(["auto", "python"] as const)(
  "with --launcher %s and no server at all there is a next step",
  (launcher) => {
    const finding = serverFinding({ launcher, prewarm: 0 }, undefined);
    expect(finding).toMatchObject({
      ok: false,
      severity: "warn",
      fix: expect.stringMatching(/install Python 3\.8/),
    });
    expect(finding.sentence).toMatch(/^plain: /);
    expect(finding.sentence).not.toContain("--prewarm");
    expect(serverFinding({ launcher, prewarm: 2 }, undefined).sentence).toContain("--prewarm does nothing");
  },
);
