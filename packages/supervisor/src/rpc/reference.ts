/** docs/rpc.md, made from the method table; a test keeps the page true. The parts that no table knows are in reference-text.ts. */
import { rpcCodes, rpcErrorTexts, type RpcErrorName } from "./errors.ts";
import type { Method, MethodTable } from "./method.ts";
import { everyMethodsErrors, jsonSchemaOf, paramsOf } from "./openrpc.ts";
import { afterMethods, beforeErrors, beforeMethods } from "./reference-text.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

export function rpcReference(methods: MethodTable): string {
  const sections = Object.entries(methods).map(([name, method]) => methodSection(name, method));
  return [
    beforeErrors,
    errorTable(),
    beforeMethods,
    methodTable(methods),
    ...sections,
    viewSection("Job view", methods["job.get"]),
    viewSection("Runner view", methods["runner.get"]),
    afterMethods,
  ].join("\n\n");
}

function errorTable(): string {
  const names = Object.keys(rpcCodes) as RpcErrorName[]; // Object.keys loses the type of the keys
  const rows = names.map((name) => `| ${rpcCodes[name]} | \`${name}\` | ${cell(rpcErrorTexts[name])} |`);
  return ["| Code | Name | Meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

function methodTable(methods: MethodTable): string {
  const rows = Object.entries(methods).map(
    ([name, { summary, scope }]) => `| [\`${name}\`](#${anchor(name)}) | ${cell(summary)} | \`${scope}\` |`,
  );
  return ["| Method | What it does | Scope |", "| --- | --- | --- |", ...rows].join("\n");
}

function methodSection(name: string, method: Method): string {
  const { summary, description, scope, params, result, errors, example } = method;
  const own = errors.filter((error) => !everyMethodsErrors.includes(error));
  return [
    `### ${name}`,
    `${summary}. Scope \`${scope}\`.${description === undefined ? "" : ` ${description}`}`,
    paramTable(params),
    `Result: ${resultText(name, result)}`,
    ...(own.length === 0 ? [] : [`Errors of its own: ${own.map(errorText).join(", ")}.`]),
    code({ jsonrpc: "2.0", id: 1, method: name, params: example.params }),
    code({ jsonrpc: "2.0", id: 1, result: example.result }),
  ].join("\n\n");
}

function errorText(name: RpcErrorName): string {
  return `${rpcCodes[name]} \`${name}\``;
}

function paramTable(params: Method["params"]): string {
  const found = paramsOf(params);
  if (found.length === 0) return "No parameters.";
  const rows = found.map(({ name, required, schema }) => {
    const mark = required ? "" : "?";
    return `| \`${name}${mark}\` | ${cell(typeText(schema))} | ${cell(textOf(schema["description"]))} |`;
  });
  return ["| Parameter | Type | Meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

/** Views that several methods answer are described once. */
function resultText(name: string, result: Method["result"]): string {
  const schema = jsonSchemaOf(result, "output");
  const properties = propertiesOf(schema);
  const names = Object.keys(properties);
  if (names.length === 0) return "an object.";
  const isJob = names.includes("env_names") && !names.includes("outcome");
  if (isJob) return "the [job view](#job-view).";
  if (names.includes("instances")) return "the [runner view](#runner-view).";
  if (name === "job.run")
    return "`outcome` (`created` or `exists`) and the members of the [job view](#job-view).";
  return `an object with ${names.map((member) => memberText(member, schema)).join("; ")}.`;
}

function memberText(name: string, schema: JsonSchema): string {
  const member = propertiesOf(schema)[name] ?? {};
  const meaning = textOf(member["description"]).replace(/\.$/, "");
  return `\`${name}${isRequired(name, schema) ? "" : "?"}\` (${typeText(member)}${meaning === "" ? "" : `: ${meaning}`})`;
}

function viewSection(title: string, method: Method | undefined): string {
  const schema = method === undefined ? {} : jsonSchemaOf(method.result, "output");
  const rows = Object.entries(propertiesOf(schema)).map(([name, member]) => {
    const mark = isRequired(name, schema) ? "" : "?";
    return `| \`${name}${mark}\` | ${cell(typeText(member))} | ${cell(textOf(member["description"]))} |`;
  });
  return [`### ${title}`, ["| Member | Type | Meaning |", "| --- | --- | --- |", ...rows].join("\n")].join(
    "\n\n",
  );
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>; // a JSON schema's own rule
}

function isRequired(name: string, schema: JsonSchema): boolean {
  const required: unknown = schema["required"];
  return Array.isArray(required) && required.includes(name);
}

/** A schema in a few words. */
function typeText(schema: JsonSchema): string {
  const { type, enum: words, minimum, maximum, items, pattern, anyOf } = schema;
  if (Array.isArray(anyOf)) return anyOf.map((one) => typeText(one as JsonSchema)).join(" or "); // a list of schemas
  if (Array.isArray(words)) return words.map((word) => `\`${String(word)}\``).join(", ");
  if (type === "array") return listText(items as JsonSchema); // a schema where there is one
  if (type === "object") return objectText(schema);
  const lowest = typeof minimum === "number" && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const highest = typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  const range =
    highest !== undefined ? `, ${lowest ?? 0} to ${highest}` : lowest === undefined ? "" : `, from ${lowest}`;
  return `${textOf(type)}${range}${pattern === undefined ? "" : ` \`${textOf(pattern)}\``}`;
}

function listText(items: JsonSchema): string {
  const found = typeText(items);
  return `list of ${found}${items["enum"] === undefined && !found.startsWith("{") ? "s" : ""}`;
}

function objectText(schema: JsonSchema): string {
  const names = Object.keys(propertiesOf(schema));
  if (names.length > 0) {
    return `{${names.map((name) => `${name}${isRequired(name, schema) ? "" : "?"}`).join(", ")}}`;
  }
  const values = schema["additionalProperties"];
  const simple = typeof values === "object" && values !== null && "type" in values;
  return simple && typeof values.type === "string" ? `object of ${values.type}s` : "object";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A bar would end the cell it stands in. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function anchor(name: string): string {
  return name.replaceAll(".", "");
}

function code(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
}
