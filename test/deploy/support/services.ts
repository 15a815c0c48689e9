/**
 * The services that deploy/ describes, each in the same words: which program with which arguments and environment, how long it
 * may take to stop, and which addresses are asked for its health.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../support/built.ts";
import { parseUnit } from "./unit-file.ts";
import { readYaml } from "./tools.ts";

export interface Service {
  /** Path below deploy/. */
  readonly file: string;
  readonly program: "herorunner" | "herosupervisor";
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stopSeconds: number;
  /** Paths that probes ask for. */
  readonly probes: readonly string[];
  /** Ports that probes ask at. */
  readonly ports: readonly number[];
}

/** What the file says, as an object: a member that is not there is undefined. */
type Yaml = { readonly [name: string]: Yaml } & readonly Yaml[];

export const deployFolder = join(repositoryRoot, "deploy");

export async function readServices(): Promise<readonly Service[]> {
  return [
    unitService("systemd/herorunner@.service"),
    unitService("systemd/herosupervisor.service"),
    await zinitService("zinit/herorunner.yaml"),
    await zinitService("zinit/herosupervisor.yaml"),
    ...(await composeServices("container/compose.yaml")),
    await podService("kubernetes/runner.yaml"),
    await podService("kubernetes/supervisor.yaml"),
  ];
}

function programOf(path: string): Service["program"] {
  const name = path.split("/").at(-1);
  if (name === "herorunner" || name === "herosupervisor") return name;
  throw new Error(`${path} is no program of ours`);
}

function unitService(file: string): Service {
  const unit = parseUnit(readFileSync(join(deployFolder, file), "utf8"));
  const [path = "", ...args] = (unit.get("ExecStart")?.at(-1) ?? "").split(" ");
  const env = (unit.get("Environment") ?? []).map((assignment) => /^(\w+)=(.*)$/.exec(assignment) ?? []);
  return {
    file,
    program: programOf(path),
    args,
    env: Object.fromEntries(env.map(([, name = "", value = ""]) => [name, value])),
    stopSeconds: Number(unit.get("TimeoutStopSec")?.at(-1)),
    probes: [],
    ports: [],
  };
}

async function zinitService(file: string): Promise<Service> {
  const [yaml] = (await readYaml(join(deployFolder, file))) as readonly Yaml[]; // any JSON has this shape, or undefined
  const [path = "", ...args] = String(yaml?.["exec"]).split(" ");
  const url = new URL(String(yaml?.["test"]).split(" ").at(-1) ?? "");
  return {
    file,
    program: programOf(path),
    args,
    env: texts(yaml?.["env"]),
    stopSeconds: Number(yaml?.["shutdown_timeout"]),
    probes: [url.pathname],
    ports: [Number(url.port)],
  };
}

async function composeServices(file: string): Promise<readonly Service[]> {
  const [yaml] = (await readYaml(join(deployFolder, file))) as readonly Yaml[]; // as above
  const own = Object.values(yaml?.["services"] ?? {}).filter((service) => service["build"] !== undefined);
  return own.map((service): Service => {
    const image = readImage(String(service["build"]?.["target"]));
    return {
      file,
      program: image.program,
      args: (service["command"] ?? []).map(String),
      env: { ...image.env, ...texts(service["environment"]) },
      stopSeconds: Number(/^(\d+)s$/.exec(String(service["stop_grace_period"]))?.[1]),
      probes: [image.health.pathname],
      ports: [Number(image.health.port)],
    };
  });
}

async function podService(file: string): Promise<Service> {
  const documents = (await readYaml(join(deployFolder, file))) as readonly Yaml[]; // as above
  const pod = documents.find((one) => String(one["kind"]) === "Deployment")?.["spec"]?.["template"]?.["spec"];
  const container = pod?.["containers"]?.[0];
  const image = readImage(programOf(String(container?.["name"])).replace("hero", ""));
  const gets = ["startupProbe", "livenessProbe", "readinessProbe"].map(
    (name) => container?.[name]?.["httpGet"],
  );
  const named = new Map(
    container?.["ports"]?.map((port) => [String(port["name"]), Number(port["containerPort"])]),
  );
  const literal = (container?.["env"] ?? []).filter((one) => one["value"] !== undefined);
  const own = Object.fromEntries(literal.map((one) => [String(one["name"]), String(one["value"])]));
  return {
    file,
    program: image.program,
    args: (container?.["args"] ?? []).map(String),
    env: { ...image.env, ...own },
    stopSeconds: Number(pod?.["terminationGracePeriodSeconds"]),
    probes: gets.map((get) => String(get?.["path"])),
    ports: gets.map((get) => named.get(String(get?.["port"])) ?? 0),
  };
}

function texts(yaml: Yaml | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(yaml ?? {}).map(([name, value]) => [name, String(value)]));
}

interface Image {
  readonly program: Service["program"];
  readonly env: Readonly<Record<string, string>>;
  readonly health: URL;
}

/** A stage of the Dockerfile: what it sets, and which program it starts. */
function readImage(target: string): Image {
  const text = readFileSync(join(deployFolder, "container/Dockerfile"), "utf8").replaceAll("\\\n", " ");
  const stage = text.split(/^FROM /m).find((one) => one.split("\n", 1)[0]?.endsWith(` AS ${target}`)) ?? "";
  const values = [...stage.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = ""]) => line.trim().split(/\s+/));
  return {
    program: programOf(/^ENTRYPOINT .*"(\w+)"\]$/m.exec(stage)?.[1] ?? ""),
    env: Object.fromEntries(
      values.map((value) => [value.split("=", 1)[0] ?? "", value.replace(/^\w+=/, "")]),
    ),
    health: new URL(/^HEALTHCHECK .*"(http[^"]+)"\]$/m.exec(stage)?.[1] ?? ""),
  };
}
