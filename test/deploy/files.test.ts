/** What deploy/ names exists: options, variables, paths, fields; and nothing is given less time to stop than it takes. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { envName, load, type Program } from "@herorunner/daemon";
import { describe, expect, it } from "vitest";
import { program as herojob } from "../../packages/herojob/src/options.ts";
import { program as herorunner } from "../../packages/herorunner/src/options.ts";
import { program as herosupervisor } from "../../packages/supervisor/src/options.ts";
import { repositoryRoot } from "../support/built.ts";
import { deployFolder, readServices, type Service } from "./support/services.ts";
import { kubernetesFaults, readYaml } from "./support/tools.ts";

const programs: readonly Program[] = [herorunner, herosupervisor, herojob];
const services = await readServices();
/** Folders of deploy/ that these tests look after. */
const ours = ["systemd", "zinit", "container", "kubernetes", "logrotate"];
const files = (await Promise.all(ours.map(listed))).flat();

async function listed(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(deployFolder, folder), { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => entry.isFile());
  return found.map((entry) => join(entry.parentPath, entry.name).slice(deployFolder.length + 1));
}

function flagsOf(program: Program): readonly string[] {
  const options = Object.values(program.commands).flatMap((command) =>
    Object.values<{ readonly flag: string }>(command.options),
  );
  const flags = options.flatMap(({ flag }) => [flag, `${flag}-file`]);
  return ["config", "print-config", "help", "version", ...flags];
}

/** As the program itself would read its command line, but for the secrets, which are elsewhere. */
function configurationOf({ program, args, env }: Service) {
  const words = args.map((word) => word.replace(/%i|\$\{HERO_RUNNER_ID:-my-host\}/, "my-host"));
  const readFileStub = (path: string): Promise<string> =>
    Promise.resolve(path.endsWith("redis-url") ? "redis://redis:6379" : "a long and random text");
  const input = { argv: words, env, readFile: readFileStub };
  return program === "herorunner"
    ? load({ program: herorunner, ...input })
    : load({ program: herosupervisor, ...input });
}

describe.each(services)("$file starts $program", (service) => {
  it("with a configuration that the program accepts", async () => {
    const loaded = await configurationOf(service);
    expect(loaded.kind === "problems" ? loaded.text : loaded.kind).toBe("command");
    expect(loaded).toMatchObject({ warnings: [] });
  });

  it("with secrets from files, not on the command line", () => {
    expect(service.args.join(" ")).toMatch(/--redis-url-file \S+\/(?:supervisor-)?redis-url/);
    expect(service.args.join(" ")).not.toMatch(/redis:\/\/|--admin-secret /);
  });

  it("and gives it the time to stop that it takes", async () => {
    const loaded = await configurationOf(service);
    if (loaded.kind !== "command") throw new Error("the configuration is not accepted");
    const { drainTimeoutMs, graceMs } = loaded.config as { drainTimeoutMs?: number; graceMs?: number }; // of the runner
    const longestSeconds =
      drainTimeoutMs === undefined || graceMs === undefined
        ? supervisorStopSeconds
        : drainTimeoutMs / 1000 + graceMs / 1000 + lastWordsSeconds;
    expect(service.stopSeconds).toBeGreaterThan(longestSeconds);
  });

  it("and asks for its health where it is served", () => {
    const port =
      service.env["HERORUNNER_LISTEN"]?.split(":").at(-1) ?? service.env["HEROSUPERVISOR_PORT"] ?? "8082";
    for (const path of service.probes) expect(["/healthz", "/readyz"]).toContain(path);
    for (const asked of service.ports) expect(asked).toBe(Number(port));
  });
});

/** From the abort to the end, at the worst: 15 s for the endings of jobs, 10 s for closing, 2 s lingering. */
const lastWordsSeconds = 27;
/** Drain 10 s, abort 5 s, closing 10 s. */
const supervisorStopSeconds = 25;

it("deploys both programs with systemd, zinit, compose and Kubernetes", () => {
  expect(services.map(({ file, program }) => `${file.split("/")[0]} ${program}`).sort()).toEqual([
    ...[
      "container herorunner",
      "container herosupervisor",
      "kubernetes herorunner",
      "kubernetes herosupervisor",
    ],
    ...["systemd herorunner", "systemd herosupervisor", "zinit herorunner", "zinit herosupervisor"],
  ]);
});

it.each([...files, "../docs/deploy.md", "README.md"])(
  "every option of ours that %s names exists",
  async (file) => {
    const text = await readFile(join(deployFolder, file), "utf8");
    const names = new Set(
      programs.flatMap((program) => flagsOf(program).map((flag) => envName(program.envPrefix, flag))),
    );
    for (const [name] of text.matchAll(/\b(?:HERORUNNER|HEROSUPERVISOR|HEROJOB)_[A-Z0-9_]+\b/g)) {
      expect(names, name).toContain(name);
    }
    for (const program of programs) {
      const uses = text.matchAll(new RegExp(`(?:^|bin/|(?<![\\w/.-]))${program.name} [^\\n|;&\`]*`, "g"));
      for (const [use] of uses) {
        for (const [, flag = ""] of use.matchAll(/ --([a-z][a-z0-9-]*)/g)) {
          expect(flagsOf(program), `--${flag} of ${program.name}`).toContain(flag);
        }
      }
    }
  },
);

it("the Dockerfile copies what is there and starts what the packages bring", async () => {
  const text = (await readFile(join(deployFolder, "container/Dockerfile"), "utf8")).replaceAll("\\\n", " ");
  for (const [, path = ""] of text.matchAll(/^COPY (?!--from)([\w./-]+) /gm)) {
    expect(existsSync(join(repositoryRoot, path)), path).toBe(true);
  }
  for (const [, path = ""] of text.matchAll(/\/src\/([\w.-]+)/g)) {
    expect(existsSync(join(repositoryRoot, path)), path).toBe(true);
  }
  for (const name of /for program in ([a-z ]+);/.exec(text)?.[1]?.trim().split(" ") ?? ["none"]) {
    expect(existsSync(join(repositoryRoot, "node_modules/.bin", name)), name).toBe(true);
  }
});

describe("Kubernetes", () => {
  const manifests = files.filter((file) => file.startsWith("kubernetes/"));
  const special = ["kubernetes/keda.yaml", "kubernetes/kustomization.yaml"];

  it.each(manifests.filter((file) => !special.includes(file)))("knows every field of %s", async (file) => {
    expect(await kubernetesFaults(join(deployFolder, file))).toBe("");
  });

  it("applies files that are there, and all but KEDA's", async () => {
    const [kustomization] = await readYaml(join(deployFolder, "kubernetes/kustomization.yaml"));
    const { resources } = kustomization as { resources: readonly string[] }; // the expectation below looks at it
    expect(resources.map((name) => `kubernetes/${name}`).sort()).toEqual(
      manifests.filter((file) => !special.includes(file)).sort(),
    );
  });

  it("lets no pod run as root or write to its image", async () => {
    for (const file of ["redis", "runner", "supervisor"]) {
      const text = await readFile(join(deployFolder, "kubernetes", `${file}.yaml`), "utf8");
      for (const setting of ["runAsNonRoot: true", "readOnlyRootFilesystem: true", "drop: [ALL]"]) {
        expect(text, file).toContain(setting);
      }
    }
  });

  it("scales with the lists of the runner that it deploys, in the words of KEDA's Redis scaler", async () => {
    const documents = await readYaml(join(deployFolder, "kubernetes/keda.yaml"));
    const [authentication, scaled] = documents as readonly Record<string, never>[]; // looked at below
    const runner = services.find(({ file }) => file === "kubernetes/runner.yaml");
    const id = runner?.args.at(-1);
    const trigger = (list: string, length: unknown) => ({
      type: "redis",
      metadata: { address: "hero-redis:6379", listName: `hero:{${id}}:${list}`, listLength: length },
      authenticationRef: { name: "hero-redis" },
    });
    expect(scaled).toMatchObject({
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      spec: {
        scaleTargetRef: { name: "herorunner" },
        triggers: [
          trigger("queue", expect.stringMatching(/^\d+$/)),
          trigger("active", runner?.env["HERORUNNER_CONCURRENCY"]),
        ],
      },
    });
    expect(authentication).toMatchObject({
      apiVersion: "keda.sh/v1alpha1",
      kind: "TriggerAuthentication",
      metadata: { name: "hero-redis" },
      spec: { secretTargetRef: [{ parameter: "password", name: "hero-redis", key: "password" }] },
    });
  });
});
