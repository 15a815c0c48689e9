/** Repositories below a code root. */
import { defineAction, defineActor } from "../actor.ts";
import { gitSettings } from "./git-state.ts";
import { readStatus, selectRepositories } from "./git-repositories.ts";

const list = defineAction({
  doc: "Lists repositories with their branch and state.",
  params: { filter: { kind: "string", doc: "text in the path" } },
  run: ({ filter }, context) =>
    selectRepositories(context, { filter }).map((place) => readStatus(context, place)),
  print: (result, context) => {
    if (Array.isArray(result) && result.length === 0)
      context.note(`no repositories in ${gitSettings(context).coderoot}`);
    return (result as { path: string }[]).map((row) => row.path).join("\n");
  },
});

export default defineActor({ name: "git", doc: "Git repositories.", actions: { list } });
