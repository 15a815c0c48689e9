/** The method table and what is made from it: the OpenRPC document, the reference page, the examples, the names and scopes. */
import { readFileSync } from "node:fs";
import openRpcMetaSchema from "@open-rpc/meta-schema";
import { Ajv } from "ajv";
import * as prettier from "prettier";
import { describe, expect, it } from "vitest";
import { methods, table } from "../src/rpc/methods.ts";
import { jsonSchemaOf, openRpcDocument } from "../src/rpc/openrpc.ts";
import { rpcReference } from "../src/rpc/reference.ts";

const draft7 = "http://json-schema.org/draft-07/schema";

describe("the OpenRPC document", () => {
  /** The meta-schema leaves JSON Schema itself to another host; draft 7 is checked apart, schema by schema. */
  function validator(): Ajv {
    const ajv = new Ajv({ strict: false, validateSchema: false, formats: { uri: true } });
    const reference = { properties: { $ref: { type: "string" } } };
    for (const $id of ["https://meta.json-schema.tools", "https://meta.json-schema.tools/"]) {
      ajv.addSchema({ $id, definitions: { JSONSchemaObject: reference } });
    }
    return ajv;
  }

  it("is one by the meta-schema of the specification", () => {
    const validate = validator().compile({ ...openRpcMetaSchema });
    const valid = validate(openRpcDocument(table()));
    expect(validate.errors).toBeNull();
    expect(valid).toBe(true);
  });

  it("would not be one with a method that has no name", () => {
    const validate = validator().compile({ ...openRpcMetaSchema });
    const { methods: list, ...rest } = openRpcDocument(table());
    const [{ name: _name, ...nameless }] = list as [Record<string, unknown>];
    expect(validate({ ...rest, methods: [nameless] })).toBe(false);
  });

  it("holds schemas of draft 7 only", () => {
    const ajv = new Ajv({ strict: false });
    for (const { params, result } of Object.values(table())) {
      for (const schema of [jsonSchemaOf(params, "input"), jsonSchemaOf(result, "output")]) {
        expect(ajv.validateSchema({ $schema: draft7, ...schema })).toBe(true);
      }
    }
  });

  it("names every method with its scope, and refers to errors that are there", () => {
    const document = openRpcDocument(table()) as {
      methods: { name: string; "x-scope": string; errors: { $ref: string }[] }[];
      components: { errors: Record<string, unknown> };
    };
    expect(document.methods.map((one) => one.name)).toEqual(Object.keys(methods));
    for (const { errors } of document.methods) {
      for (const { $ref } of errors) {
        expect(Object.keys(document.components.errors)).toContain($ref.replace("#/components/errors/", ""));
      }
    }
  });
});

describe("the examples", () => {
  it.each(Object.entries(table()))(
    "of %s have the shapes of the method",
    (_name, { params, result, example }) => {
      expect(params.safeParse(example.params).error).toBeUndefined();
      expect(result.safeParse(example.result).error).toBeUndefined();
      const ajv = new Ajv({ strict: false });
      expect(ajv.validate(jsonSchemaOf(params, "input"), example.params)).toBe(true);
      expect(ajv.validate(jsonSchemaOf(result, "output"), example.result)).toBe(true);
    },
  );
});

describe("the methods", () => {
  it("are these, with these scopes", () => {
    expect(Object.entries(table()).map(([name, { scope }]) => `${name} ${scope}`)).toEqual([
      "supervisor.info admin",
      "runner.register admin",
      "runner.list jobs:read",
      "runner.get jobs:read",
      "runner.remove admin",
      "runner.ping admin",
      "runner.pause admin",
      "runner.resume admin",
      "job.create jobs:write",
      "job.start jobs:write",
      "job.run jobs:write",
      "job.cancel jobs:write",
      "job.delete admin",
      "job.retry jobs:write",
      "job.get jobs:read",
      "job.status jobs:read",
      "job.result jobs:read",
      "job.logs jobs:read",
      "job.list jobs:read",
      "key.create admin",
      "key.list admin",
      "key.revoke admin",
      "rpc.discover admin",
    ]);
  });
});

describe("docs/rpc.md", () => {
  it("is what the table says; `npx vitest run --update=all` on this file writes it anew", async () => {
    const options = JSON.parse(
      readFileSync(new URL("../../../.prettierrc.json", import.meta.url), "utf8"),
    ) as prettier.Options;
    const page = await prettier.format(rpcReference(table()), { ...options, parser: "markdown" });
    await expect(page).toMatchFileSnapshot("../../../docs/rpc.md");
  });
});
