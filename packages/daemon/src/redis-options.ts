/** The three options with which every program of ours finds its Redis, to be spread into its table. */
import { defineOptions } from "./options/table.ts";

const keyPrefixPattern = /^[A-Za-z0-9._:-]{1,64}$/;

interface RedisOptionsOf {
  /** Heading in the help. */
  readonly group: string;
  /** Throws an error with a sentence when the text is no URL of a Redis. */
  readonly parseUrl: (url: string) => unknown;
}

export function redisOptions({ group, parseUrl }: RedisOptionsOf) {
  return defineOptions({
    redisUrl: {
      flag: "redis-url",
      short: "r",
      kind: "string",
      placeholder: "URL",
      default: "redis://localhost:6379",
      secret: "url",
      fileVariant: true,
      check: (url) => {
        try {
          parseUrl(url);
          return undefined;
        } catch (error) {
          return error instanceof Error ? `is not usable: ${error.message}` : "is not usable";
        }
      },
      group,
      description:
        "Where the queue is: redis://, rediss://, unix:///path.sock, redis+sentinel://host:port/master or redis+cluster://host:port,host:port",
    },
    redisCa: {
      flag: "redis-ca",
      kind: "string",
      placeholder: "FILE",
      group,
      description: "PEM file of the authority that signed the server's certificate, for rediss://",
    },
    keyPrefix: {
      flag: "key-prefix",
      kind: "string",
      placeholder: "PREFIX",
      default: "hero:",
      check: (text) => (keyPrefixPattern.test(text) ? undefined : `must match ${keyPrefixPattern.source}`),
      group,
      description: "Beginning of every key, its colon included",
    },
  });
}
