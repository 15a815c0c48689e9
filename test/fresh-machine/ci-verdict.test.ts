/** The last word of a CI run: how tests and checks are counted, and how what was left behind is found. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const scripts = fileURLToPath(new URL("../../scripts/ci/", import.meta.url));

const ownNamespace = [
  ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
  ...["--pid", "--fork", "--mount-proc", "--kill-child=KILL"],
];
const hasPidns = spawnSync("unshare", [...ownNamespace, "true"]).status === 0;

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-ci-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function runScript(name: string, args: readonly string[]): Promise<{ code: number; lines: string[] }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(scripts, name), ...args], (_error, stdout) =>
      resolve({ code: child.exitCode ?? -1, lines: stdout.trim().split("\n") }),
    );
  });
}

async function reportOf(totals: Record<string, number>): Promise<string> {
  const path = join(await temporaryFolder(), "report.json");
  const none = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
  await writeFile(path, JSON.stringify({ ...none, ...totals }));
  return path;
}

test("a run in which everything passed says so in its last line and exits with 0", async () => {
  const report = await reportOf({ numPassedTests: 12 });
  expect(await runScript("totals.mjs", [report, "0"])).toEqual({
    code: 0,
    lines: ["herorunner: 12 passed, 0 failed"],
  });
});

test("a failed check counts as a failure although every test passed", async () => {
  const report = await reportOf({ numPassedTests: 12, numPendingTests: 2 });
  const verdict = await runScript("totals.mjs", [report, "1"]);
  expect(verdict).toEqual({ code: 1, lines: ["skipped: 2", "herorunner: 12 passed, 1 failed"] });
});

test("a run without a single test fails", async () => {
  expect(await runScript("totals.mjs", [await reportOf({}), "0"])).toMatchObject({ code: 1 });
  expect(await runScript("totals.mjs", ["/nonexistent/report.json", "0"])).toMatchObject({ code: 1 });
});

test("nothing is reported as left behind when nothing was", async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "tmp"));
  expect(await runScript("leftovers.mjs", [folder])).toEqual({ code: 0, lines: [""] });
});

// SIGKILL to all, as it was, reaches what is in there.
test.runIf(hasPidns).each(["", "/", "/nonexistent", "/usr/", "tmp"])(
  "nobody is ended as left behind by a run whose folder is %j",
  async (folder) => {
    const script = `sleep 300 & "$1" "$2" "$3" 0 2>&1; echo "$?"; kill -0 $! && echo it lives`;
    const { stdout } = await promisify(execFile)("setsid", [
      ...["unshare", ...ownNamespace, "/bin/sh", "-c", script, "sh"],
      ...[process.execPath, join(scripts, "leftovers.mjs"), folder],
    ]);
    expect(stdout).toMatch(/is not the folder of a run.*\n2\nit lives\n$/);
  },
);

test.runIf(process.platform === "linux")(
  "a process of the run is found by its PATH alone, named and ended",
  async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "tmp/herorunner-forgotten"), { recursive: true });
    const child = spawn("/bin/sleep", ["600"], { env: { PATH: `/usr/bin:${folder}/tmp` }, stdio: "ignore" });
    const gone = once(child, "exit");
    const verdict = await runScript("leftovers.mjs", [folder, "200"]);
    expect(await gone).toEqual([null, "SIGKILL"]);
    expect(verdict).toEqual({
      code: 1,
      lines: [`still running: ${child.pid} /bin/sleep 600`, "not removed: herorunner-forgotten"],
    });
  },
);
