/** Session variables: `{name}` in the parameter values of later actions. */
import { defineAction, defineActor, type ActionContext } from "../actor.ts";
import { fixName } from "../script/names.ts";

const params = {
  key: { kind: "string", required: true, doc: "name; letters, digits and _, case does not matter" },
  val: { kind: "string", doc: "the value" },
  value: { kind: "string", doc: "another spelling of val" },
} as const;

interface Given {
  readonly key: string;
  readonly val: string | undefined;
  readonly value: string | undefined;
}

function check({ key, val, value }: Given): string | undefined {
  if (val === undefined && value === undefined) return "val is missing";
  if (val !== undefined && value !== undefined)
    return "val and value are the same parameter; give one of them";
  return fixName(key) === "" ? `"${key}" holds no letter or digit` : undefined;
}

function set({ key, val, value }: Given, context: ActionContext): void {
  context.variables.set(fixName(key), val ?? value ?? "");
}

const envSet = defineAction({
  doc: "Sets a session variable. It is not an environment variable; {key} in the values of later actions stands for it.",
  params,
  check,
  run: set,
});

const envSetOnce = defineAction({
  doc: "As env_set, but an error if the variable is set already.",
  params,
  check,
  run: (input, context) => {
    if (context.variables.has(fixName(input.key)))
      context.fail(`the session variable ${fixName(input.key)} is set already`);
    set(input, context);
  },
});

export default defineActor({
  name: "session",
  doc: "Variables for the rest of the run.",
  actions: { env_set: envSet, env_set_once: envSetOnce },
});
