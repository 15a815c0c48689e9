/** Environment variables of the script and of the programs it starts. */
import { readFileSync } from "node:fs";
import { defineAction, defineActor, type ActionContext } from "../actor.ts";
import { messageOf } from "../errors.ts";

/**
 * Variables that tell programs which other programs to start, or how. A script that could set them would reach far
 * more than its actors give it.
 */
const steering =
  /^(?:PATH|HOME|IFS|ENV|BASH_ENV|BASH_FUNC.*|SHELLOPTS|SHELL|PAGER|EDITOR|VISUAL|BROWSER|TMPDIR|XDG_.*|LD_.*|DYLD_.*|GIT_.*|SSH_.*|DOCKER_.*|NODE_.*|PYTHON.*|PERL.*|RUBY.*|GCONV_PATH|HERO_.*)$/i;

function nameFault(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return `"${name}" is not the name of an environment variable`;
  if (steering.test(name))
    return `${name} steers the programs a script starts and cannot be changed by a script`;
  return undefined;
}

function setVariable(context: ActionContext, name: string, value: string): void {
  const fault = nameFault(name);
  if (fault !== undefined) context.fail(fault);
  context.env.set(name, value);
}

const key = { kind: "string", required: true, doc: "name of the variable" } as const;

const envSet = defineAction({
  doc: "Sets an environment variable for the script and the programs it starts.",
  params: {
    key,
    value: { kind: "string", required: true, allowEmpty: true, doc: "its value" },
    overwrite: { kind: "bool", default: true, doc: "change a variable that is set already" },
  },
  check: (input) => nameFault(input.key),
  run: (input, context) => {
    if (input.overwrite || context.env.get(input.key) === undefined)
      setVariable(context, input.key, input.value);
  },
});

const envUnset = defineAction({
  doc: "Removes an environment variable.",
  params: { key },
  check: (input) => nameFault(input.key),
  run: (input, context) => context.env.unset(input.key),
});

const envSetAll = defineAction({
  doc: "Sets several environment variables, one for each further parameter. Names in a script are lower case; a call keeps them: osal.env_set_all({API_URL: url}).",
  params: {
    clear_before_set: {
      kind: "bool",
      default: false,
      doc: "first remove all variables but those that steer programs",
    },
    overwrite_if_exists: { kind: "bool", default: true, doc: "change variables that are set already" },
  },
  rest: { name: "NAME", doc: "value of the variable NAME" },
  run: (input, context) => {
    if (input.clear_before_set) {
      for (const name of context.env.names()) if (!steering.test(name)) context.env.unset(name);
    }
    for (const [name, value] of context.rest) {
      if (input.overwrite_if_exists || context.env.get(name) === undefined) setVariable(context, name, value);
    }
  },
});

const envLoadFile = defineAction({
  doc: "Sets environment variables from a file of NAME=value lines; lines that start with # are comments.",
  params: { file_path: { kind: "path", required: true, doc: "the file" } },
  run: (input, context) => {
    let text: string;
    try {
      text = readFileSync(input.file_path, "utf8");
    } catch (error) {
      return context.fail(`${input.file_path} cannot be read: ${messageOf(error)}`);
    }
    for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
      const trimmed = line.trim();
      if (trimmed === "" || trimmed.startsWith("#")) continue;
      const match = /^(?:export\s+)?([^=\s]+)\s*=\s*(.*)$/.exec(trimmed);
      if (match === null) return context.fail(`line ${index + 1} of ${input.file_path} is not NAME=value`);
      const [, name = "", value = ""] = match;
      setVariable(context, name, /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value);
    }
    return undefined;
  },
});

export default defineActor({
  name: "osal",
  doc: "The environment of the script.",
  actions: {
    env_set: envSet,
    env_unset: envUnset,
    env_set_all: envSetAll,
    env_load_file: envLoadFile,
    load_env_file: envLoadFile,
  },
});
