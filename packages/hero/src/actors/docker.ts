/** Containers and images, through the docker program. */
import { defineAction, defineActor } from "../actor.ts";

const ps = defineAction({
  doc: "Lists containers.",
  params: { all: { kind: "bool", default: false, doc: "stopped ones too" } },
  run: ({ all }, context) => context.exec("docker", ["ps", ...(all ? ["--all"] : [])]).stdout,
});

export default defineActor({ name: "docker", doc: "Containers and images.", actions: { ps } });
