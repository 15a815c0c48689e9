/** What a name without a dot means. */
import { mkdirSync } from "node:fs";
import { defineAction, defineActor } from "../actor.ts";
import { setCoderoot } from "./git-state.ts";

const coderootSet = defineAction({
  doc: "Sets the folder of the repositories for the git actions that follow, and creates it.",
  params: { coderoot: { kind: "path", required: true, doc: "the folder" } },
  run: ({ coderoot }, context) => {
    mkdirSync(coderoot, { recursive: true });
    setCoderoot(context, coderoot);
  },
});

export default defineActor({
  name: "core",
  doc: "Settings of a run. An action without a dot belongs to core.",
  actions: { coderoot_set: coderootSet },
});
