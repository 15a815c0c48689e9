/**
 * From the address of a repository to its place on disk: `<coderoot>/<provider>/<account>/<name>`.
 */
import { basename, dirname } from "node:path";

export interface GitLocation {
  /** Host and port, for the ssh form; empty for a local repository. */
  readonly host: string;
  readonly provider: string;
  readonly account: string;
  readonly name: string;
  readonly branch?: string;
  /** What git clones. */
  readonly url: string;
}

export type LocationResult = { readonly location: GitLocation } | { readonly fault: string };

const branchMarks = [
  /^src\/branch\/([^/]+)/,
  /^tree\/([^/]+)/,
  /^refs\/heads\/([^/]+)/,
  /^refs\/tags\/([^/]+)/,
];

/** Accepts https://, http://, ssh://, git@host:account/name, none of these, file:// and absolute local paths. */
export function locateRepository(address: string): LocationResult {
  const url = address.trim();
  if (url === "") return { fault: "is empty" };
  if (url.startsWith("-")) return { fault: `"${url}" looks like an option` };
  if (/[\s\u0000-\u001f\u007f]/.test(url)) return { fault: "holds white space or a control character" };
  if (url.startsWith("/") || url.startsWith("file://")) return localRepository(url);
  const match = /^(?:(https?|ssh):\/\/)?(?:([^@/]+)@)?(.+)$/.exec(url);
  const [, scheme, user, rest = ""] = match ?? [];
  if (scheme === undefined && url.includes("://"))
    return { fault: `"${url}" is not an https, ssh or file address` };
  return remoteRepository({ url, scheme, user, rest });
}

function localRepository(url: string): LocationResult {
  const path = url.replace(/^file:\/\//, "").replace(/\/+$/, "");
  const name = basename(path).replace(/\.git$/, "");
  const account = basename(dirname(path));
  if (!path.startsWith("/") || name === "" || account === "")
    return { fault: `"${url}" has no account and name` };
  return checked({ host: "", provider: "local", account, name, url });
}

function remoteRepository(parts: {
  url: string;
  scheme: string | undefined;
  user: string | undefined;
  rest: string;
}): LocationResult {
  const { url, scheme, user, rest } = parts;
  const [beforeAnchor = ""] = rest.split("#");
  const [hostAndPort = "", ...segments] = splitHost(beforeAnchor);
  const [account = "", rawName = "", ...more] = segments;
  const name = rawName.replace(/\.git$/, "");
  if (hostAndPort === "" || account === "" || name === "") {
    return { fault: `"${url}" must name a host, an account and a repository` };
  }
  const host = hostAndPort.replace(/:\d+$/, "");
  const provider = host === "github.com" ? "github" : host;
  const tail = more.join("/");
  const branch = branchMarks.map((mark) => mark.exec(tail)?.[1]).find((found) => found !== undefined);
  const location = {
    host,
    provider,
    account,
    name,
    url: cloneUrl({ scheme, user, hostAndPort, account, name }),
  };
  return checked(branch === undefined ? location : { ...location, branch });
}

/** Host, then the rest; `:` before the path counts as a slash unless it begins a port number. */
function splitHost(text: string): string[] {
  const withSlashes = text.replace(/^([^/:]+):(?!\d+\/)/, "$1/");
  return withSlashes.split("/").filter((segment) => segment !== "");
}

function cloneUrl(parts: {
  scheme: string | undefined;
  user: string | undefined;
  hostAndPort: string;
  account: string;
  name: string;
}): string {
  const { scheme, user, hostAndPort, account, name } = parts;
  const path = `${account}/${name}.git`;
  if (scheme === "ssh") return `ssh://${user ?? "git"}@${hostAndPort}/${path}`;
  if (scheme === undefined && user !== undefined) return `${user}@${hostAndPort}:${path}`;
  const login = user === undefined ? "" : `${user}@`;
  return `${scheme ?? "https"}://${login}${hostAndPort}/${path}`;
}

/** The parts become folder names. */
function checked(location: GitLocation): LocationResult {
  for (const part of [location.provider, location.account, location.name]) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9._+~-]*$/.test(part))
      return { fault: `"${part}" cannot be part of a repository's place` };
  }
  if (location.branch?.startsWith("-") === true)
    return { fault: `"${location.branch}" looks like an option` };
  return { location };
}

/** The ssh form of an address, for a clone with a key. */
export function sshUrl(location: GitLocation): string {
  const { host, url, account, name } = location;
  return /^https?:/.test(url) ? `git@${host}:${account}/${name}.git` : url;
}
