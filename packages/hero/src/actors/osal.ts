/** Environment variables of the script and of the programs it starts. */
import { readFileSync } from "node:fs";
import { defineAction, defineActor, type ActionContext } from "../actor.ts";

export default defineActor({ name: "osal", doc: "Environment variables.", actions: {} });
void readFileSync;
void defineAction;
export type { ActionContext };
