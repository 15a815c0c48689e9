/** Options of more than one command: where the jobs are, and how results are printed. */
import { type Config, defineOptions, redisOptions } from "@herorunner/daemon";
import { idPattern, parseRedisUrl } from "@herorunner/job";

export function idFault(text: string): string | undefined {
  return idPattern.test(text) ? undefined : `must match ${idPattern.source}`;
}

export const connectionOptions = defineOptions({
  ...redisOptions({ group: "Connection", parseUrl: parseRedisUrl }),
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
