/** systemd itself reads our units and drop-ins, without complaint, and rates how far they are fenced in. */
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { deployFolder } from "./support/services.ts";
import { analyze } from "./support/tools.ts";
import { parseUnit } from "./support/unit-file.ts";

const shipped = join(deployFolder, "systemd");
const dropIns = (await readdir(join(shipped, "drop-ins"))).map((name) => name.replace(/\.conf$/, ""));
const runnerUnit = "herorunner@my-host.service";
const supervisorUnit = "herosupervisor.service";
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "herorunner-units-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Our units in a folder of their own, as on a machine where the programs are installed, with one drop-in. */
async function unitsWith(dropIn?: string): Promise<string> {
  const place = await mkdtemp(join(folder, "u-"));
  const runner = await readFile(join(shipped, "herorunner@.service"), "utf8");
  const supervisor = await readFile(join(shipped, supervisorUnit), "utf8");
  // Where the programs are not installed, systemd would rightly say that it cannot execute them.
  await writeFile(join(place, runnerUnit), runner.replace("/usr/local/bin/herorunner", "/bin/sh"));
  await writeFile(
    join(place, supervisorUnit),
    supervisor.replace("/usr/local/bin/herosupervisor", "/bin/sh"),
  );
  if (dropIn !== undefined) {
    await mkdir(join(place, `${runnerUnit}.d`));
    await copyFile(join(shipped, "drop-ins", `${dropIn}.conf`), join(place, `${runnerUnit}.d`, "10.conf"));
  }
  return place;
}

/** What systemd says of these very files; remarks on units of the machine are not ours. */
async function complaints(place: string): Promise<string> {
  const units = [runnerUnit, supervisorUnit].map((name) => join(place, name));
  const { text } = await analyze(["verify", "--man=no", ...units]);
  return text
    .split("\n")
    .filter((line) => line.includes("hero"))
    .join("\n");
}

it("systemd has nothing to say against the units", async () => {
  expect(await complaints(await unitsWith())).toBe("");
});

it.each(dropIns)("systemd has nothing to say against the runner with the drop-in %s", async (name) => {
  expect(await complaints(await unitsWith(name))).toBe("");
});

it("a setting that systemd does not know would be seen", async () => {
  const place = await unitsWith("limits");
  await writeFile(join(place, `${runnerUnit}.d`, "20.conf"), "[Service]\nKillMod=mixed\n");
  expect(await complaints(place)).toContain("KillMod");
});

/** Newer versions of systemd ask for more, and rate the same unit a little higher. */
const otherVersionsMayAdd = 0.5;

it("systemd rates the exposure of both units as the page says", async () => {
  const page = await readFile(join(deployFolder, "..", "docs", "deploy.md"), "utf8");
  const place = await unitsWith();
  for (const unit of [runnerUnit, supervisorUnit]) {
    const { text } = await analyze(["security", "--offline=true", "--no-pager", join(place, unit)]);
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(text)?.[1]);
    const name = unit.replace("my-host", "");
    const promised = Number(new RegExp(`\`${name}\`\\s*\\|\\s*([\\d.]+)`).exec(page)?.[1]);
    expect(exposure, unit).toBeLessThanOrEqual(promised + otherVersionsMayAdd);
  }
});

it("a start that cannot succeed is not tried again", async () => {
  const exits = async (unit: string): Promise<string | undefined> =>
    parseUnit(await readFile(join(shipped, unit), "utf8"))
      .get("RestartPreventExitStatus")
      ?.at(-1);
  expect(await exits("herorunner@.service")).toBe("2 3");
  expect(await exits(supervisorUnit)).toBe("2");
});

it("the runner may divide its control group, and systemd ends only what the runner left", async () => {
  const unit = parseUnit(await readFile(join(shipped, "herorunner@.service"), "utf8"));
  expect(unit.get("Delegate")).toEqual(["yes"]);
  expect(unit.get("KillMode")).toEqual(["mixed"]);
  expect(unit.get("OOMPolicy")).toEqual(["continue"]);
  // Any of these would keep the runner from its control group, its /proc files or from running at all.
  for (const name of ["ProtectControlGroups", "ProcSubset", "MemoryDenyWriteExecute"]) {
    expect(unit.get(name), name).toBeUndefined();
  }
});

it("the long drain of long-jobs.conf fits into its stop timeout", async () => {
  const unit = parseUnit(await readFile(join(shipped, "drop-ins", "long-jobs.conf"), "utf8"));
  const drain = Number(/HERORUNNER_DRAIN_TIMEOUT=(\d+)/.exec(unit.get("Environment")?.join(" ") ?? "")?.[1]);
  expect(Number(unit.get("TimeoutStopSec")?.at(-1))).toBeGreaterThanOrEqual(drain + 5 + 27);
});

it("every credential that a unit is given is a file that tmpfiles keeps to root", async () => {
  const kept = await readFile(join(shipped, "herorunner.tmpfiles.conf"), "utf8");
  const files = ["herorunner@.service", supervisorUnit, ...dropIns.map((name) => `drop-ins/${name}.conf`)];
  for (const file of files) {
    for (const credential of parseUnit(await readFile(join(shipped, file), "utf8")).get("LoadCredential") ??
      []) {
      expect(kept, file).toContain(`z ${credential.split(":")[1]} 0600 root root\n`);
    }
  }
});

it("systemd understands the user's file", () => {
  const said = execFileSync(
    "/usr/bin/systemd-sysusers",
    ["--dry-run", join(shipped, "herorunner.sysusers.conf")],
    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
  );
  expect(said).not.toContain("Unknown");
});
