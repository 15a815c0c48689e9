/** `hero actors`: what there is, from the definitions themselves. */
import { optionText, type Arguments } from "../command-line.ts";
import { UsageError } from "../errors.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { actorPage, actionText, actorText, overviewText } from "../actor-docs.ts";
import { writeOut } from "../output.ts";
import { loadActors } from "../own-actors.ts";
import { Registry } from "../registry.ts";
import { nearestName } from "../script/names.ts";
import type { ActorDefinition } from "../actor.ts";
import type { World } from "./run.ts";

export async function actorsCommand(args: Arguments, world: World): Promise<ExitCode> {
  const registry = new Registry();
  const folder = optionText(args, "--actors");
  if (folder !== undefined) await loadActors(registry, folder, world.cwd);
  await registry.load(registry.names);
  const actors = registry.loaded().sort((a, b) => (a.name < b.name ? -1 : 1));
  const [wanted, another] = args.words;
  if (another !== undefined) throw new UsageError("hero actors explains one actor at a time");
  const chosen = wanted === undefined ? actors : [findActor(actors, wanted)];
  if (args.options.has("--markdown")) writeOut(actorPage(chosen));
  else if (args.options.has("--json")) writeOut(`${JSON.stringify(chosen.map(plain), null, 2)}\n`);
  else writeOut(`${explain(actors, wanted)}\n`);
  return exitCodes.done;
}

function explain(actors: readonly ActorDefinition[], wanted: string | undefined): string {
  if (wanted === undefined) return overviewText(actors);
  const actor = findActor(actors, wanted);
  const name = wanted.split(".")[1];
  if (name === undefined) return actorText(actor);
  const definition = Object.hasOwn(actor.actions, name) ? actor.actions[name] : undefined;
  if (definition !== undefined) return actionText(actor.name, name, definition);
  const nearest = nearestName(name, Object.keys(actor.actions));
  throw new UsageError(
    `${actor.name} has no action "${name}"`,
    nearest === undefined
      ? `hero actors ${actor.name} lists them`
      : `did you mean "${actor.name}.${nearest}"?`,
  );
}

function findActor(actors: readonly ActorDefinition[], wanted: string): ActorDefinition {
  const name = wanted.split(".")[0] ?? "";
  const actor = actors.find((candidate) => candidate.name === name);
  if (actor !== undefined) return actor;
  const nearest = nearestName(
    name,
    actors.map((candidate) => candidate.name),
  );
  throw new UsageError(
    `there is no actor "${name}"`,
    nearest === undefined ? "hero actors lists them" : `did you mean "${nearest}"?`,
  );
}

/** A definition without its functions. */
function plain(actor: ActorDefinition): object {
  const actions = Object.entries(actor.actions).map(([name, { doc, params, args, rest }]) => ({
    name,
    doc,
    params,
    args,
    rest,
  }));
  return { name: actor.name, doc: actor.doc, actions };
}
