/**
 * The page as it is sent: every file under public/, the parser of heroscript and the guide to reasons. All is read and
 * compressed once, at the start; nothing that a request names ever becomes a path. Addresses of the page itself answer
 * its one document, so that every view can be opened and reloaded by its address.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join, relative, sep } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { jobReasons, jobStatuses, reasonGuide } from "@herorunner/job";
import { type Answer, pagePolicy } from "../http/answer.ts";

const contentTypes: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".svg", "image/svg+xml"],
  [".png", "image/png"],
  [".json", "application/json"],
]);

/** Addresses that people see; of a job also with an id that none can have, which the page then says. */
const views = /^\/(?:|jobs|jobs\/[^/]{1,512}|runners|submit)$/;

export type PageFiles = (path: string, request: IncomingMessage) => Answer | undefined;

interface PageFile {
  readonly contentType: string;
  readonly tag: string;
  readonly plain: Buffer;
  readonly br: Buffer;
  readonly gzip: Buffer;
}

export function readPageFiles(folder: string): PageFiles {
  const files = new Map<string, PageFile>();
  const add = (path: string, body: Buffer): void => {
    const contentType = contentTypes.get(extname(path));
    if (contentType !== undefined) files.set(path, pageFile(body, contentType));
  };
  for (const [name, body] of filesBelow(folder)) add(`/${name}`, body);
  for (const [name, body] of filesBelow(parserFolder())) add(`/page/heroscript/${name}`, body);
  const guide = { reasons: reasonGuide, order: jobReasons, statuses: jobStatuses };
  add("/page/guide.json", Buffer.from(JSON.stringify(guide)));
  return (path, request) => {
    const file = files.get(views.test(path) ? "/index.html" : path);
    return file === undefined ? undefined : answerFile(file, request);
  };
}

function answerFile(file: PageFile, request: IncomingMessage): Answer {
  const headers = {
    "Content-Security-Policy": pagePolicy,
    "Cache-Control": "no-cache",
    Vary: "Accept-Encoding",
    ETag: file.tag,
  };
  if (request.headers["if-none-match"] === file.tag) return { status: 304, headers };
  const accepted = request.headers["accept-encoding"] ?? "";
  const encoding = (["br", "gzip"] as const).find((name) => accepts(accepted, name));
  return {
    status: 200,
    contentType: file.contentType,
    body: encoding === undefined ? file.plain : file[encoding],
    headers: encoding === undefined ? headers : { ...headers, "Content-Encoding": encoding },
  };
}

function accepts(header: string, name: string): boolean {
  return header.split(",").some((one) => {
    const [coding = "", ...parameters] = one.split(";").map((part) => part.trim().toLowerCase());
    return coding === name && !parameters.some((part) => /^q=0(?:\.0*)?$/.test(part));
  });
}

function pageFile(plain: Buffer, contentType: string): PageFile {
  const tag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
  const br = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
  return { contentType, tag, plain, br, gzip: gzipSync(plain, { level: 9 }) };
}

/**
 * Built by the compiler, plain modules without a line of Node: the browser runs what `hero check` runs. Seen from the sources,
 * in tests, the entry is a TypeScript file at the same depth.
 */
function parserFolder(): string {
  const entry = createRequire(import.meta.url).resolve("@herorunner/hero/script");
  return join(dirname(entry), "..", "..", "dist", "script");
}

function filesBelow(folder: string): readonly (readonly [string, Buffer])[] {
  // Before the first build there is no parser; the page says that it cannot check.
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [relative(folder, path).split(sep).join("/"), readFileSync(path)] as const);
}
