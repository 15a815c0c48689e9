/** Every method of the supervisor, in the order of the reference. The client's types come from the type of this table. */
import { z } from "zod";
import { jobMethods } from "./job-methods.ts";
import { jobReadingMethods } from "./job-reading-methods.ts";
import { keyMethods } from "./key-methods.ts";
import { method, type MethodTable } from "./method.ts";
import { openRpcDocument } from "./openrpc.ts";
import { runnerMethods } from "./runner-methods.ts";
import { supervisorMethods } from "./supervisor-methods.ts";

export const methods = {
  ...supervisorMethods,
  ...runnerMethods,
  ...jobMethods,
  ...jobReadingMethods,
  ...keyMethods,
  "rpc.discover": method({
    summary: "This description, as an OpenRPC document",
    description: "The same document is at `GET /openrpc.json`, which needs no key.",
    scope: "admin",
    params: z.strictObject({}),
    result: z.record(z.string(), z.unknown()),
    errors: [],
    example: {
      params: {},
      result: { openrpc: "1.3.2", info: { title: "herosupervisor", version: "0.1.0" }, methods: [] },
    },
    handle: () => Promise.resolve(openRpcDocument(table())),
  }),
};

export type Methods = typeof methods;

/** The table without its exact types. */
export function table(): MethodTable {
  return methods;
}
