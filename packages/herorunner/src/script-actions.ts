/**
 * Which actions a script asks for: read with the very parser that `hero` runs it with, for grants. Calls in statements
 * count as far as they can be calls of an actor; the fence against those that no reader sees is `hero run --allow`.
 */
import { type ActionReference, listActions as listReferences, parseScript } from "@herorunner/hero/script";
import type { ListedActions } from "@herorunner/job/trust";

export function listActions(payload: string): ListedActions {
  const { script, diagnostics } = parseScript(payload);
  const named = listReferences(script).filter(
    (reference) => reference.form === "action" || mayBeActor(reference, script.ownWords),
  );
  return { actions: named.map(({ actor, name }) => `${actor}.${name}`), clean: diagnostics.length === 0 };
}

/** What every script finds besides the actors. */
const builtIn: ReadonlySet<string> = new Set(["args", "env"]);

/** `names.map(…)` is a call too, but `names` is the script's own, and `Math` is no name an actor can have. */
function mayBeActor({ actor }: ActionReference, ownWords: ReadonlySet<string>): boolean {
  return /^[a-z0-9_]+$/.test(actor) && !builtIn.has(actor) && !ownWords.has(actor);
}
