/** Everything that can be set on a herosupervisor. The help and docs/configuration.md come from here. */
import {
  completionCommand,
  defineCommand,
  defineOptions,
  defineProgram,
  logOptions,
  redisOptions,
  tracingOptions,
} from "@herorunner/daemon";
import { parseRedisUrl } from "@herorunner/job";
import { secretProblems } from "./auth/admin-secret.ts";
import { versionText } from "./version.ts";

const listenOptions = defineOptions({
  host: {
    flag: "host",
    kind: "string",
    placeholder: "ADDRESS",
    default: "127.0.0.1",
    check: (text) => (/^[A-Za-z0-9.:%_-]{1,255}$/.test(text) ? undefined : "is not an address"),
    group: "HTTP",
    description: "Address to listen on; one that others can reach needs an admin secret worth its name",
  },
  port: {
    flag: "port",
    short: "p",
    kind: "integer",
    placeholder: "N",
    default: 8082,
    min: 0,
    max: 65_535,
    group: "HTTP",
    description: "Port to listen on",
  },
  allowHost: {
    flag: "allow-host",
    kind: "list",
    placeholder: "NAME",
    check: (text) => (/^[A-Za-z0-9._[\]:-]{1,255}$/.test(text) ? undefined : "is not a host or host:port"),
    group: "HTTP",
    description: "Names under which clients may ask, beside the address itself: host, or host:port",
  },
  allowOrigin: {
    flag: "allow-origin",
    kind: "list",
    placeholder: "ORIGIN",
    check: (text) =>
      /^https?:\/\/[^/\s*]+$/.test(text) ? undefined : "is not an origin, as https://host:port",
    group: "HTTP",
    description: "Pages of these origins may use the API with a key",
  },
  tlsProxy: {
    flag: "tls-proxy",
    kind: "boolean",
    group: "HTTP",
    description:
      "A proxy in front speaks TLS and sets X-Forwarded-For; cookies are then sent over TLS only, and the last address in that header counts",
  },
});

const authOptions = defineOptions({
  adminSecret: {
    flag: "admin-secret",
    kind: "string",
    placeholder: "SECRET",
    secret: true,
    fileVariant: true,
    group: "Access",
    description:
      "Whoever knows it may do everything; made up for each start on a loopback address unless given",
  },
});

const serveCommand = defineCommand({
  summary: "Serve the API and the page until stopped",
  options: {
    ...redisOptions({ group: "Redis", parseUrl: parseRedisUrl }),
    ...listenOptions,
    ...authOptions,
    ...tracingOptions,
    ...logOptions,
  },
  positionals: {},
  validate: ({ adminSecret, host }) => secretProblems(adminSecret, host),
});

export const program = defineProgram({
  name: "herosupervisor",
  version: versionText,
  summary: "Registers runners and queues jobs for them, over JSON-RPC and a web page",
  envPrefix: "HEROSUPERVISOR_",
  commands: { serve: serveCommand, completion: completionCommand },
  main: "serve",
});

export type ServeConfig = Parameters<NonNullable<typeof serveCommand.validate>>[0];
