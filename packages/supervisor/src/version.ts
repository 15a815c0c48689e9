/** One version for all packages; read from this package's own manifest. */
import { readFileSync } from "node:fs";
import { isJsonObject, parseStrictJson } from "@herorunner/job";

function readVersion(): string {
  const parsed = parseStrictJson(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const value = parsed.ok && isJsonObject(parsed.value) ? parsed.value.get("version") : undefined;
  return typeof value === "string" ? value : "0.0.0";
}

export const version = readVersion();

/** Version of the wire protocol in Redis, docs/protocol.md. */
export const protocolVersion = 1;
