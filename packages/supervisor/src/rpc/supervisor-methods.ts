/** `supervisor.info`, and `rpc.discover`, which describes all the others. */
import { z } from "zod";
import { protocolVersion, version } from "../version.ts";
import { method } from "./method.ts";

export const supervisorMethods = {
  "supervisor.info": method({
    summary: "What this supervisor is, and how its Redis is",
    scope: "admin",
    params: z.strictObject({}),
    result: z.strictObject({
      version: z.string(),
      protocol: z.int().describe("Version of the wire protocol in Redis."),
      key_prefix: z.string(),
      redis: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
        .describe(
          "`kind`, `reachable`, `round_trip_ms`, `version`, `used_memory_bytes`, as far as Redis tells.",
        ),
      uptime_ms: z.int(),
    }),
    errors: [],
    example: {
      params: {},
      result: {
        version: "0.1.0",
        protocol: protocolVersion,
        key_prefix: "hero:",
        redis: { kind: "single", reachable: true, round_trip_ms: 0.4, version: "7.0.15" },
        uptime_ms: 86_400_000,
      },
    },
    handle: async (_params, { services }) => ({
      version,
      protocol: protocolVersion,
      ...(await services.info()),
    }),
  }),
};
