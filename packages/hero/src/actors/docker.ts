/** Containers and images, through the docker program and its own words: what it prints is passed on unchanged. */
import { defineAction, defineActor, type ActionContext } from "../actor.ts";

function docker(context: ActionContext, args: readonly string[]): string {
  const { stdout, stderr } = context.exec("docker", args);
  if (stderr.trim() !== "") context.note(stderr.trimEnd());
  return stdout;
}

/** Prints what docker printed. */
function pass(context: ActionContext, args: readonly string[]): void {
  const stdout = docker(context, args);
  if (stdout !== "") context.print(stdout.replace(/\r?\n$/, ""));
}

function lines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

/** Rows as objects; a line that is no JSON (with a format of the author) stays text. */
function rows(text: string): unknown[] {
  return lines(text).map((line) => {
    try {
      return JSON.parse(line) as unknown;
    } catch {
      return line;
    }
  });
}

interface Listing {
  readonly all?: boolean;
  readonly filter?: string | undefined;
  readonly format?: string | undefined;
}

function listing(verb: string, input: Listing): string[] {
  const { all, filter, format } = input;
  return [
    verb,
    ...(all === true ? ["--all"] : []),
    ...(filter === undefined ? [] : ["--filter", filter]),
    ...(format === undefined ? [] : ["--format", format]),
  ];
}

const asJson = "{{json .}}";
const filter = { kind: "string", doc: "as docker has it: status=exited, name=web, label=team" } as const;
const format = { kind: "string", doc: "a Go template for each row" } as const;

const ps = defineAction({
  doc: "Lists containers. A call returns one object for each, with the names docker gives them: ID, Names, Image, State, …",
  params: { all: { kind: "bool", default: false, doc: "stopped ones too" }, filter, format },
  run: (input, context) => rows(docker(context, listing("ps", { ...input, format: input.format ?? asJson }))),
  show: (input, context) => pass(context, listing("ps", input)),
});

const images = defineAction({
  doc: "Lists images. A call returns one object for each.",
  params: { filter, format },
  run: (input, context) =>
    rows(docker(context, listing("images", { ...input, format: input.format ?? asJson }))),
  show: (input, context) => pass(context, listing("images", input)),
});

const nameParam = { kind: "names", doc: "names or ids of containers, separated by commas" } as const;
const nameArgs = { name: "NAME", doc: "names or ids of containers" } as const;

function containers(
  input: { readonly name?: readonly string[] | undefined },
  args: readonly string[],
): string[] {
  return [...(input.name ?? []), ...args];
}

function needsName(
  input: { readonly name?: readonly string[] | undefined },
  args: readonly string[],
): string | undefined {
  return containers(input, args).length === 0 ? "needs the name of a container: name:'web'" : undefined;
}

const start = defineAction({
  doc: "Starts containers.",
  params: { name: nameParam },
  args: nameArgs,
  check: needsName,
  run: (input, context) => lines(docker(context, ["start", ...containers(input, context.args)])),
});

function ending(verb: "stop" | "restart", doc: string) {
  return defineAction({
    doc,
    params: {
      name: nameParam,
      timeout: { kind: "int", doc: "seconds a container is given before it is killed" },
    },
    args: nameArgs,
    check: (input, args) =>
      (input.timeout ?? 0) < 0 ? "timeout cannot be negative" : needsName(input, args),
    run: ({ timeout, name }, context) => {
      const wait = timeout === undefined ? [] : ["-t", String(timeout)];
      return lines(docker(context, [verb, ...wait, ...containers({ name }, context.args)]));
    },
  });
}

const rm = defineAction({
  doc: "Removes containers.",
  params: { name: nameParam, force: { kind: "bool", default: false, doc: "running ones too" } },
  args: nameArgs,
  check: needsName,
  run: ({ name, force }, context) =>
    lines(docker(context, ["rm", ...(force ? ["--force"] : []), ...containers({ name }, context.args)])),
});

const rmi = defineAction({
  doc: "Removes images.",
  params: {
    image: { kind: "names", required: true, doc: "images, separated by commas" },
    force: { kind: "bool", default: false, doc: "even if containers use them" },
  },
  run: ({ image, force }, context) =>
    lines(docker(context, ["rmi", ...(force ? ["--force"] : []), ...image])),
});

const inspect = defineAction({
  doc: "Shows everything docker knows about containers or images. A call returns it as data.",
  params: { name: nameParam },
  args: nameArgs,
  check: needsName,
  run: (input, context) => {
    const text = docker(context, ["inspect", ...containers(input, context.args)]);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return context.fail("docker inspect did not answer in JSON");
    }
  },
  show: (input, context) => pass(context, ["inspect", ...containers(input, context.args)]),
});

function logArguments({
  name,
  tail,
}: {
  readonly name: string;
  readonly tail: number | undefined;
}): string[] {
  return ["logs", ...(tail === undefined ? [] : ["--tail", String(tail)]), name];
}

const logs = defineAction({
  doc: "Prints what a container has written. A call returns it as one text.",
  params: {
    name: { kind: "name", required: true, doc: "name or id of the container" },
    tail: { kind: "int", doc: "only this many lines from the end" },
  },
  run: (input, context) => {
    const { stdout, stderr } = context.exec("docker", logArguments(input));
    return stdout + stderr;
  },
  show: (input, context) => context.stream("docker", logArguments(input)),
});

const pull = defineAction({
  doc: "Fetches an image.",
  params: { image: { kind: "name", required: true, doc: "the image, with its tag" } },
  run: ({ image }, context) => lines(docker(context, ["pull", "--quiet", image])).at(-1) ?? image,
  show: ({ image }, context) => context.stream("docker", ["pull", image]),
});

const runParams = {
  image: { kind: "name", required: true, doc: "the image" },
  name: { kind: "name", doc: "name of the new container" },
  cmd: { kind: "words", doc: "the command in the container instead of the image's own" },
  env: { kind: "list", doc: "NAME=value, separated by commas" },
  ports: { kind: "list", doc: "8080:80, separated by commas" },
  volumes: { kind: "list", doc: "/host:/container, separated by commas" },
  detach: { kind: "bool", default: true, doc: "return at once; otherwise wait for its end" },
  remove: { kind: "bool", default: false, doc: "remove the container when it ends" },
} as const;

interface RunInput {
  readonly image: string;
  readonly name: string | undefined;
  readonly cmd: readonly string[] | undefined;
  readonly env: readonly string[] | undefined;
  readonly ports: readonly string[] | undefined;
  readonly volumes: readonly string[] | undefined;
  readonly detach: boolean;
  readonly remove: boolean;
}

function runArguments(input: RunInput): string[] {
  const each = (flag: string, items: readonly string[] | undefined) =>
    (items ?? []).flatMap((item) => [flag, item]);
  return [
    "run",
    ...(input.detach ? ["--detach"] : []),
    ...(input.remove ? ["--rm"] : []),
    ...(input.name === undefined ? [] : ["--name", input.name]),
    ...each("--env", input.env),
    ...each("--publish", input.ports),
    ...each("--volume", input.volumes),
    input.image,
    ...(input.cmd ?? []),
  ];
}

const run = defineAction({
  doc: "Creates a container and starts it. A call returns its id, or what it printed when it is waited for.",
  params: runParams,
  run: (input, context) => docker(context, runArguments(input)).trim(),
  show: (input, context) => {
    if (input.detach) pass(context, runArguments(input));
    else context.stream("docker", runArguments(input));
  },
});

const execParams = {
  name: { kind: "name", required: true, doc: "name or id of the container" },
  cmd: { kind: "words", required: true, doc: "the command; no shell reads it" },
} as const;

const exec = defineAction({
  doc: "Runs a command in a container. A call returns what it printed.",
  params: execParams,
  run: ({ name, cmd }, context) => docker(context, ["exec", name, ...cmd]),
  show: ({ name, cmd }, context) => context.stream("docker", ["exec", name, ...cmd]),
});

const configure = defineAction({
  doc: "There is nothing to configure; always an error.",
  params: {},
  rest: { name: "anything", doc: "not read" },
  run: (_, context) => context.fail("docker has nothing to configure"),
});

export default defineActor({
  name: "docker",
  doc: "Containers and images, through the docker program of this machine.",
  actions: {
    ps,
    start,
    stop: ending("stop", "Stops containers."),
    restart: ending("restart", "Restarts containers."),
    images,
    logs,
    pull,
    run,
    exec,
    rm,
    rmi,
    inspect,
    configure,
  },
});
