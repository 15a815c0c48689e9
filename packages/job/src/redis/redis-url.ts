/**
 * `--redis-url` in all its forms → where to connect. Pure; connecting is connection.ts's business.
 *
 *   redis://[user:password@]host[:port][/db]          rediss://…  the same over TLS
 *   unix:///path/to/redis.sock[?db=0]
 *   redis+sentinel://[user:password@]host:port,host:port/master[?db=0&sentinel_password=…&sentinel_user=…]
 *   redis+cluster://[user:password@]host:port,host:port
 *
 * `rediss+sentinel` and `rediss+cluster` use TLS to every node. In user and password, `/` is written %2F, `?` %3F, `%` %25.
 * The sentinels are asked without a password first; where they want one it is `sentinel_password`, else the URL's own.
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
  | {
      readonly kind: "sentinel";
      readonly sentinels: readonly HostPort[];
      readonly master: string;
      readonly sentinelCredentials: RedisCredentials;
    }
  | { readonly kind: "cluster"; readonly seeds: readonly HostPort[] }
);

const forms = "redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://";
const shape = /^(?<scheme>[a-z+]+):\/\/(?<authority>[^/?]*)(?<path>\/[^?]*)?(?:\?(?<query>.*))?$/;

/** Throws TypeError with a sentence for the operator; the sentence never holds the password. */
export function parseRedisUrl(url: string): RedisTarget {
  const parts = shape.exec(url)?.groups;
  if (parts === undefined) throw new TypeError(`the Redis URL must start with ${forms}`);
  const { scheme = "", authority = "", path = "", query = "" } = parts;
  const at = authority.lastIndexOf("@");
  // An @ behind the first slash belongs to a password with a slash in it: nothing here may be shown as a host.
  if (authority !== "" && `${path}?${query}`.includes("@")) {
    throw new TypeError(
      "in a Redis URL, / in a user or password is written %2F, ? is written %3F, and @ elsewhere %40",
    );
  }
  const [auth, hosts] = [authority.slice(0, Math.max(at, 0)), authority.slice(at + 1)];
  const base = {
    credentials: parseCredentials(auth),
    tls: scheme.startsWith("rediss"),
    shown: maskRedisUrl(url),
  };
  const options = new URLSearchParams(query);
  const databaseText = options.get("db") ?? "";
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
        path: decoded(path),
        database: database(databaseText),
      };
    case "redis+sentinel": {
      const master = decoded(path.slice(1));
      if (master === "")
        throw new TypeError(
          "a Sentinel URL ends with the master's name: redis+sentinel://host:26379/mymaster",
        );
      return {
        ...base,
        kind: "sentinel",
        sentinels: parseHosts(hosts, 26379),
        master,
        sentinelCredentials: credentials(options.get("sentinel_user"), options.get("sentinel_password")),
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
  // Up to the last @, whatever is before it: better a host too few than a part of a password too many.
  return url
    .replace(/^([a-z+]+:\/\/)(.*)@/s, (_all, scheme: string, auth: string) => {
      const user = auth.split(":")[0] ?? "";
      return auth.includes(":") ? `${scheme}${user}:***@` : `${scheme}${user}@`;
    })
    .replaceAll(/([?&][a-z_]*password=)[^&]*/g, "$1***");
}

function parseCredentials(auth: string): RedisCredentials {
  if (auth === "") return {};
  const colon = auth.indexOf(":");
  const user = decoded(colon < 0 ? auth : auth.slice(0, colon));
  return credentials(user, colon < 0 ? null : decoded(auth.slice(colon + 1)));
}

function credentials(user: string | null, password: string | null): RedisCredentials {
  return {
    ...(user === null || user === "" ? {} : { username: user }),
    ...(password === null ? {} : { password }),
  };
}

/** Throws without repeating the text: it may be a password. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(
      "the Redis URL holds a % that is not followed by two hex digits; a plain % is written %25",
    );
  }
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

/**
 * True when the URL itself says that the Redis is on this machine: one loopback address or a unix socket. Sentinels
 * and cluster seeds on loopback say nothing about where the data lives.
 */
export function isLoopbackTarget(target: RedisTarget): boolean {
  const local = (node: HostPort): boolean =>
    node.host === "localhost" || node.host === "::1" || /^127(\.\d{1,3}){3}$/.test(node.host);
  switch (target.kind) {
    case "unix":
      return true;
    case "single":
      return local(target.node);
    case "sentinel":
    case "cluster":
      return false;
  }
}
