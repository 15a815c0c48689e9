/** Which actions a script asks for: read with the very parser that `hero` runs it with, for grants. */
import { listActions as listReferences, parseScript } from "@herorunner/hero/script";
import type { ListedActions } from "@herorunner/job/trust";

export function listActions(payload: string): ListedActions {
  const { script, diagnostics } = parseScript(payload);
  const actions = listReferences(script).map(({ actor, name }) => `${actor}.${name}`);
  return { actions, clean: diagnostics.length === 0 };
}
