/** The OpenRPC document (https://spec.open-rpc.org), made from the method table. A test holds it to the meta-schema. */
import { z } from "zod";
import { version } from "../version.ts";
import { rpcCodes, rpcErrorTexts, type RpcErrorName } from "./errors.ts";
import type { Method, MethodTable } from "./method.ts";

/** Errors that any method can answer. */
export const everyMethodsErrors: readonly RpcErrorName[] = [
  ...(["invalid_params", "internal", "unauthenticated", "forbidden", "too_many_requests"] as const),
];

type JsonSchema = Readonly<Record<string, unknown>>;

/** Draft 7, as OpenRPC has it. */
export function jsonSchemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _draft, ...rest } = z.toJSONSchema(schema, {
    target: "draft-7",
    io,
    unrepresentable: "any",
  });
  return rest;
}

let made: Record<string, unknown> | undefined;

/** Made once; the table never changes. */
export function openRpcDocument(methods: MethodTable): Record<string, unknown> {
  made ??= {
    openrpc: "1.3.2",
    info: {
      title: "herosupervisor",
      version,
      description:
        "Register runners, queue jobs for them and get their results. POST /rpc with `Authorization: Bearer KEY` and `Content-Type: application/json`.",
      license: { name: "MIT OR Apache-2.0" },
    },
    methods: Object.entries(methods).map(([name, method]) => methodObject(name, method)),
    components: {
      errors: Object.fromEntries(
        (Object.keys(rpcCodes) as RpcErrorName[]) // Object.keys loses the type of the keys
          .map((name) => [name, { code: rpcCodes[name], message: rpcErrorTexts[name] }]),
      ),
    },
  };
  return made;
}

function methodObject(name: string, method: Method): JsonSchema {
  const { summary, description, scope, params, result, errors, example } = method;
  return {
    name,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [{ name: scope }],
    paramStructure: "either",
    params: paramsOf(params).map(({ name, required, schema }) => ({
      name,
      required,
      ...(typeof schema["description"] === "string" ? { description: schema["description"] } : {}),
      schema,
    })),
    result: { name: "result", schema: jsonSchemaOf(result, "output") },
    errors: [...errors, ...everyMethodsErrors].map((error) => ({ $ref: `#/components/errors/${error}` })),
    examples: [
      {
        name: "example",
        params: Object.entries(example.params).map(([param, value]) => ({ name: param, value })),
        result: { name: "result", value: example.result },
      },
    ],
    "x-scope": scope,
  };
}

export interface Param {
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

/** The parameters of a method, in the order in which they may be given by position. */
export function paramsOf(params: z.ZodObject): readonly Param[] {
  const whole = jsonSchemaOf(params, "input");
  const properties = (whole["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>; // of an object's schema
  const required = (whole["required"] ?? []) as readonly string[]; // likewise
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    required: required.includes(name),
    schema,
  }));
}
