/** Options of more than one command: where the jobs are, and how results are printed. */
import { type Config, defineOptions } from "@herorunner/daemon";
import { idPattern, parseRedisUrl } from "@herorunner/job";

function redisUrlFault(url: string): string | undefined {
  try {
    parseRedisUrl(url);
    return undefined;
  } catch (error) {
    return error instanceof Error ? `is not usable: ${error.message}` : "is not usable";
  }
}

export function idFault(text: string): string | undefined {
  return idPattern.test(text) ? undefined : `must match ${idPattern.source}`;
}

export const connectionOptions = defineOptions({
  redisUrl: {
    flag: "redis-url",
    short: "r",
    kind: "string",
    placeholder: "URL",
    group: "Connection",
    default: "redis://localhost:6379",
    secret: "url",
    fileVariant: true,
    check: redisUrlFault,
    description:
      "Where the queue is: redis://, rediss://, unix:///path.sock, redis+sentinel://host:port/master or redis+cluster://host:port,host:port",
  },
  redisCa: {
    flag: "redis-ca",
    kind: "string",
    placeholder: "FILE",
    group: "Connection",
    description: "PEM file of the authority that signed the server's certificate, for rediss://",
  },
  keyPrefix: {
    flag: "key-prefix",
    kind: "string",
    placeholder: "PREFIX",
    default: "hero:",
    group: "Connection",
    check: (text) => (/^[A-Za-z0-9._:-]{1,64}$/.test(text) ? undefined : "must match [A-Za-z0-9._:-]{1,64}"),
    description: "Beginning of every key, its colon included",
  },
  supervisor: {
    flag: "supervisor",
    kind: "string",
    placeholder: "URL",
    group: "Connection",
    check: (text) => (/^https?:\/\/[^/@]/.test(text) ? undefined : "must start with http:// or https://"),
    description: "Talk to this supervisor instead of Redis",
  },
  apiKey: {
    flag: "api-key",
    kind: "string",
    placeholder: "KEY",
    group: "Connection",
    secret: true,
    fileVariant: true,
    description: "The key for the supervisor",
  },
});

export const jsonOption = defineOptions({
  json: {
    flag: "json",
    kind: "boolean",
    group: "Output",
    description: "Print one JSON value instead of text",
  },
});

export const rawOption = defineOptions({
  raw: {
    flag: "raw",
    kind: "boolean",
    group: "Output",
    description: "Write output of jobs to a terminal exactly as it is, control characters included",
  },
});

/** For commands without positional words. */
export const noWords = {} as const;
export type NoWords = typeof noWords;
export type ConnectionConfig = Config<typeof connectionOptions, NoWords>;
export type AwaitConfig = ConnectionConfig & Config<typeof jsonOption & typeof rawOption, NoWords>;
