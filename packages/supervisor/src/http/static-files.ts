/** The page: every file under public/, read once at the start. Nothing that a request names ever becomes a path. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import type { IncomingMessage } from "node:http";
import { type Answer, pagePolicy } from "./answer.ts";

const contentTypes: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".svg", "image/svg+xml"],
  [".png", "image/png"],
  [".ico", "image/x-icon"],
  [".json", "application/json"],
  [".txt", "text/plain; charset=utf-8"],
]);

export type StaticFiles = (path: string, request: IncomingMessage) => Answer | undefined;

export function readStaticFiles(folder: string): StaticFiles {
  const files = new Map<
    string,
    { readonly body: Buffer; readonly contentType: string; readonly tag: string }
  >();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const contentType = contentTypes.get(extname(entry.name));
    if (!entry.isFile() || contentType === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const body = readFileSync(path);
    const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    files.set(`/${relative(folder, path).split(sep).join("/")}`, { body, contentType, tag });
  }
  return (path, request) => {
    const file = files.get(path === "/" ? "/index.html" : path);
    if (file === undefined) return undefined;
    const headers = {
      "Content-Security-Policy": pagePolicy,
      "Cache-Control": "no-cache",
      ETag: file.tag,
    };
    if (request.headers["if-none-match"] === file.tag) return { status: 304, headers };
    return { status: 200, contentType: file.contentType, body: file.body, headers };
  };
}
