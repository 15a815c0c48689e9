/** What a program may hand over as a request: TypeScript looks at some of it, JavaScript at nothing. */
import { expect, it } from "vitest";
import { checkRequest, ClientError, type JobRequest } from "../src/index.ts";

const least = { runner: "web-1", payload: "x" };

it("takes a member that is undefined as one that was left out", () => {
  const names: readonly (keyof JobRequest)[] = [
    ...(["id", "callerId", "contextId", "executor", "timeoutSeconds", "envVars", "maxAttempts"] as const),
    ...(["trace", "createdAtSeconds", "expiresAtSeconds", "audience", "nonce", "signatures"] as const),
  ];
  const all = Object.fromEntries(names.map((name) => [name, undefined]));
  const job = checkRequest({ ...least, ...all });
  const plain = checkRequest(least);
  expect(job.id).toMatch(/^[0-9a-f-]{36}$/);
  expect({ ...job, id: "", createdAtSeconds: 0 }).toEqual({ ...plain, id: "", createdAtSeconds: 0 });
  expect(job.createdAtSeconds).toBeTypeOf("number");
});

it.each([
  ["payload", "payload", undefined],
  ["payload", "payload", 5],
  ["callerId", "caller_id", null],
  ["contextId", "context_id", 5],
  ["executor", "executor", null],
  ["trace", "trace", {}],
  ["audience", "audience", 5],
  ["nonce", "nonce", null],
])("names the field when %s is no text", (member, field, value) => {
  const request = { ...least, [member]: value };
  const check = (): unknown => checkRequest(request);
  expect(check).toThrow(ClientError);
  expect(check).toThrow(`${field} is ${JSON.stringify(value)}; it must be a string`);
});
