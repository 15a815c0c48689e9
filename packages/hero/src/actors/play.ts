/** Heroscript itself: other scripts, and a line of text. */
import { defineAction, defineActor } from "../actor.ts";
import { readPairs } from "./play-pairs.ts";

const include = defineAction({
  doc: "Runs another heroscript at this place. A path that is a folder runs all scripts in it.",
  params: {
    path: {
      kind: "string",
      required: true,
      doc: "file or folder; a relative path starts at the folder of the including script",
    },
    replace: {
      kind: "string",
      default: "",
      doc: "name:value pairs, separated by commas; @name, ${name} and {name} are replaced in the text before it is read",
    },
  },
  check: ({ replace }) => {
    const { fault } = readPairs(replace);
    return fault === undefined ? undefined : `replace holds "${fault}", which is not a name:value pair`;
  },
  run: ({ path, replace }, context) => {
    context.include(path, readPairs(replace).pairs);
  },
});

const echo = defineAction({
  doc: "Prints a line of text.",
  params: { content: { kind: "string", default: "", doc: "the text" } },
  run: ({ content }) => content,
  print: (result) => String(result),
});

export default defineActor({
  name: "play",
  doc: "Other heroscripts, and lines of text.",
  actions: { include, echo },
});
