/**
 * `--redis-url` in all its forms → where to connect. Pure; connecting is connection.ts's business.
 *
 *   redis://[user:password@]host[:port][/db]          rediss://…  the same over TLS
 *   unix:///path/to/redis.sock[?db=0]
 *   redis+sentinel://[user:password@]host:port,host:port/master[?db=0]
 *   redis+cluster://[user:password@]host:port,host:port
 *
 * `rediss+sentinel` and `rediss+cluster` use TLS to every node.
 */

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface RedisCredentials {
  readonly username?: string;
  readonly password?: string;
}

export type RedisTarget = {
  readonly credentials: RedisCredentials;
  readonly tls: boolean;
  readonly database: number;
  /** The URL with its password replaced by `***`: fit for logs. */
  readonly shown: string;
} & (
  | { readonly kind: "single"; readonly node: HostPort }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "sentinel"; readonly sentinels: readonly HostPort[]; readonly master: string }
  | { readonly kind: "cluster"; readonly seeds: readonly HostPort[] }
);

const forms = "redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://";
const shape =
  /^(?<scheme>[a-z+]+):\/\/(?:(?<auth>[^@/]*)@)?(?<hosts>[^/?]*)(?<path>\/[^?]*)?(?:\?(?<query>.*))?$/;

/** Throws TypeError with a sentence for the operator; the sentence never holds the password. */
export function parseRedisUrl(url: string): RedisTarget {
  const parts = shape.exec(url)?.groups;
  if (parts === undefined) throw new TypeError(`the Redis URL must start with ${forms}`);
  const { scheme = "", auth = "", hosts = "", path = "", query = "" } = parts;
  const base = {
    credentials: parseCredentials(auth),
    tls: scheme.startsWith("rediss"),
    shown: maskRedisUrl(url),
  };
  const databaseText = new URLSearchParams(query).get("db") ?? "";
  switch (scheme.replace(/^rediss/, "redis")) {
    case "redis":
      return {
        ...base,
        kind: "single",
        node: only(parseHosts(hosts, 6379)),
        database: database(path.slice(1) || databaseText),
      };
    case "unix":
      if (hosts !== "") throw new TypeError("a unix Redis URL has three slashes: unix:///path/to/redis.sock");
      return {
        ...base,
        tls: false,
        kind: "unix",
        path: decodeURIComponent(path),
        database: database(databaseText),
      };
    case "redis+sentinel": {
      const master = decodeURIComponent(path.slice(1));
      if (master === "")
        throw new TypeError(
          "a Sentinel URL ends with the master's name: redis+sentinel://host:26379/mymaster",
        );
      return {
        ...base,
        kind: "sentinel",
        sentinels: parseHosts(hosts, 26379),
        master,
        database: database(databaseText),
      };
    }
    case "redis+cluster":
      return { ...base, kind: "cluster", seeds: parseHosts(hosts, 6379), database: 0 };
    default:
      throw new TypeError(`the Redis URL scheme ${JSON.stringify(scheme)} is not known; use ${forms}`);
  }
}

/** The same URL with `***` for a password. Anything that is no URL comes back as `(unreadable URL)`. */
export function maskRedisUrl(url: string): string {
  if (!/^[a-z+]+:\/\//.test(url)) return "(unreadable URL)";
  return url.replace(/^([a-z+]+:\/\/)([^@/]*)@/, (_all, scheme: string, auth: string) => {
    const user = auth.split(":")[0] ?? "";
    return auth.includes(":") ? `${scheme}${user}:***@` : `${scheme}${user}@`;
  });
}

function parseCredentials(auth: string): RedisCredentials {
  if (auth === "") return {};
  const colon = auth.indexOf(":");
  const user = decodeURIComponent(colon < 0 ? auth : auth.slice(0, colon));
  const password = colon < 0 ? undefined : decodeURIComponent(auth.slice(colon + 1));
  return { ...(user === "" ? {} : { username: user }), ...(password === undefined ? {} : { password }) };
}

function parseHosts(text: string, defaultPort: number): readonly HostPort[] {
  return text.split(",").map((part) => {
    const match = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]]*))(?::(?<port>\d+))?$/.exec(part.trim());
    const host = match?.groups?.["six"] ?? match?.groups?.["host"] ?? "";
    const port = Number(match?.groups?.["port"] ?? defaultPort);
    if (match === null || port < 1 || port > 65_535) {
      throw new TypeError(`${JSON.stringify(part)} in the Redis URL is not host:port`);
    }
    return { host: host === "" ? "localhost" : host, port };
  });
}

function only(nodes: readonly HostPort[]): HostPort {
  const [first, ...rest] = nodes;
  if (first === undefined || rest.length > 0) {
    throw new TypeError("several hosts need redis+sentinel:// or redis+cluster://");
  }
  return first;
}

function database(text: string): number {
  if (text === "") return 0;
  if (!/^\d{1,5}$/.test(text)) throw new TypeError(`${JSON.stringify(text)} is not a Redis database number`);
  return Number(text);
}

/** True when nothing but this machine can reach the Redis: loopback addresses and unix sockets. */
export function isLoopbackTarget(target: RedisTarget): boolean {
  const local = (node: HostPort): boolean =>
    node.host === "localhost" || node.host === "::1" || /^127(\.\d{1,3}){3}$/.test(node.host);
  switch (target.kind) {
    case "unix":
      return true;
    case "single":
      return local(target.node);
    case "sentinel":
      return target.sentinels.every(local);
    case "cluster":
      return target.seeds.every(local);
  }
}
