/** API keys: made, listed, revoked. The key itself is in the answer of `key.create` and nowhere else. */
import { z } from "zod";
import { method } from "./method.ts";
import { scopeList } from "./schemas.ts";

const keyId = z.string().describe("Id of the key; also the middle part of the key itself.");
const keyName = z.string().min(1).max(128).describe("For people.");

export const keyMethods = {
  "key.create": method({
    summary: "Make an API key",
    description:
      "The answer is the only place where the key is ever shown; the supervisor keeps a hash of it.",
    scope: "admin",
    params: z.strictObject({ name: keyName, scopes: scopeList }),
    result: z.strictObject({ id: keyId, name: z.string(), scopes: scopeList, key: z.string() }),
    errors: [],
    example: {
      params: { name: "deploy script", scopes: ["jobs:write"] },
      result: {
        id: "3f9c2a7b51d0",
        name: "deploy script",
        scopes: ["jobs:write"],
        key: "hk_3f9c2a7b51d0_EXAMPLExExAMPLExEXAMPLExEXAMPLExEXAMPLExEXA",
      },
    },
    handle: ({ name, scopes }, { services }) => services.keys.create(name, scopes),
  }),
  "key.list": method({
    summary: "All API keys, without the keys themselves",
    scope: "admin",
    params: z.strictObject({}),
    result: z.strictObject({
      keys: z.array(
        z.strictObject({
          id: keyId,
          name: z.string(),
          scopes: scopeList,
          created_at: z.number().describe("ms since 1970."),
          last_used_at: z
            .number()
            .describe("ms since 1970, to the minute; absent when never used.")
            .optional(),
        }),
      ),
    }),
    errors: [],
    example: {
      params: {},
      result: {
        keys: [
          {
            id: "3f9c2a7b51d0",
            name: "deploy script",
            scopes: ["jobs:write"],
            created_at: 1_767_225_600_000,
          },
        ],
      },
    },
    handle: async (_params, { services }) => ({ keys: await services.keys.list() }),
  }),
  "key.revoke": method({
    summary: "End an API key, at once and everywhere",
    description: "Open streams of the key end within a minute.",
    scope: "admin",
    params: z.strictObject({ id: z.string().max(128).describe("Id of the key.") }),
    result: z.strictObject({ revoked: z.boolean().describe("False when there is no such key.") }),
    errors: [],
    example: { params: { id: "3f9c2a7b51d0" }, result: { revoked: true } },
    handle: async ({ id }, { services }) => ({ revoked: await services.keys.revoke(id) }),
  }),
};
