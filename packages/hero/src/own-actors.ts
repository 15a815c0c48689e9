/**
 * Actors of `--actors DIR`: every `.js` and `.mjs` file there exports its definition as `actor`, or as
 * its default. They run with
 * all rights of this process, so whoever names the folder answers for what is in it.
 */
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ActorDefinition, ParameterDefinition } from "./actor.ts";
import { messageOf, UsageError } from "./errors.ts";
import { isBuiltin, type Registry } from "./registry.ts";

export async function loadActors(registry: Registry, folder: string, cwd: string): Promise<void> {
  const full = resolve(cwd, folder);
  let names: string[];
  try {
    names = readdirSync(full)
      .filter((name) => /\.m?js$/.test(name))
      .sort();
  } catch (error) {
    throw new UsageError(`the actors in ${folder} cannot be read: ${messageOf(error)}`);
  }
  if (names.length === 0)
    throw new UsageError(`${folder} holds no actor`, "an actor is one .js or .mjs file that exports actor");
  for (const name of names) registry.add(await loadActor(resolve(full, name), registry));
}

async function loadActor(file: string, registry: Registry): Promise<ActorDefinition> {
  let exported: { readonly actor?: unknown; readonly default?: unknown };
  try {
    exported = await import(pathToFileURL(file).href);
  } catch (error) {
    throw new UsageError(`the actor ${file} cannot be loaded: ${messageOf(error)}`);
  }
  const definition = exported.actor ?? exported.default;
  const fault = actorFault(definition);
  if (fault !== undefined) throw new UsageError(`the actor ${file} ${fault}`);
  // actorFault has looked at every part that is used.
  const actor = definition as ActorDefinition;
  if (isBuiltin(actor.name))
    throw new UsageError(`the actor ${file} takes the name of a built-in one, ${actor.name}`);
  if (registry.actor(actor.name) !== undefined)
    throw new UsageError(`two actors are named ${actor.name}; one is ${file}`);
  return actor;
}

const kinds: readonly string[] = [
  "string",
  "name",
  "names",
  "words",
  "int",
  "float",
  "bool",
  "list",
  "path",
] satisfies ParameterDefinition["kind"][];
const taken = new Set(["print", "env", "args", "fail"]);

type Shape = Readonly<Record<string, unknown>>;

function isShape(value: unknown): value is Shape {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Why a value is no actor definition; undefined when it is one. */
function actorFault(value: unknown): string | undefined {
  if (!isShape(value)) return "exports no definition: export const actor = {…}";
  const { name, doc, actions } = value;
  if (typeof name !== "string" || !/^[a-z][a-z0-9_]*$/.test(name))
    return "needs a name of lower case letters, digits and _";
  if (taken.has(name)) return `cannot be named ${name}: scripts know something else by that name`;
  if (typeof doc !== "string") return "needs a doc: what it is for";
  if (!isShape(actions) || Object.keys(actions).length === 0) return "needs actions";
  for (const [action, definition] of Object.entries(actions)) {
    const fault = actionFault(action, definition);
    if (fault !== undefined) return `has a fault in its action ${action}: ${fault}`;
  }
  return undefined;
}

function actionFault(name: string, value: unknown): string | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) return "its name must be lower case letters, digits and _";
  if (!isShape(value)) return "it is no object";
  if (typeof value["doc"] !== "string") return "it needs a doc: what it does";
  if (typeof value["run"] !== "function") return "it needs a run function";
  if (!isShape(value["params"])) return "it needs params; an empty object for none";
  for (const [key, parameter] of Object.entries(value["params"])) {
    if (!/^[a-z][a-z0-9_]*$/.test(key) || key === "id") return `${key} cannot be the name of a parameter`;
    if (!isShape(parameter) || typeof parameter["doc"] !== "string")
      return `the parameter ${key} needs a doc`;
    if (!kinds.includes(String(parameter["kind"])))
      return `the parameter ${key} needs a kind: ${kinds.join(", ")}`;
  }
  return undefined;
}
