/** From the options of a command to the client that it talks through. */
import { readFile } from "node:fs/promises";
import { type JobApi, JobClient, maskRedisUrl, SupervisorClient } from "@herorunner/job";
import type { ConnectionConfig } from "./common-options.ts";
import { shellWord } from "./text.ts";
import { UsageError } from "./usage-error.ts";

/** The caller closes it. Rejects with ClientError, or UsageError where the options do not fit. */
export async function connect(config: ConnectionConfig): Promise<JobApi> {
  if (config.supervisor !== undefined) {
    if (config.apiKey === undefined) {
      throw new UsageError("--supervisor needs a key; name its file with --api-key-file FILE");
    }
    return SupervisorClient.connect(config.supervisor, { apiKey: config.apiKey });
  }
  const tlsCa = config.redisCa === undefined ? undefined : await readText(config.redisCa, "--redis-ca");
  return JobClient.connect(config.redisUrl, {
    keyPrefix: config.keyPrefix,
    ...(tlsCa === undefined ? {} : { tlsCa }),
  });
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new UsageError(
      `${what}: ${JSON.stringify(path)} cannot be read (${code}); name a file that this user can read`,
    );
  }
}

/** The words with which a next command reaches the same place; what the environment says need not be repeated. */
export function connectionWords(
  config: ConnectionConfig,
  isFlag: (key: "redisUrl" | "supervisor" | "keyPrefix") => boolean,
): string {
  if (config.supervisor !== undefined) {
    return isFlag("supervisor") ? ` --supervisor ${shellWord(config.supervisor)} --api-key-file FILE` : "";
  }
  const url = isFlag("redisUrl") ? ` -r ${shellWord(maskRedisUrl(config.redisUrl))}` : "";
  return isFlag("keyPrefix") ? `${url} --key-prefix ${shellWord(config.keyPrefix)}` : url;
}
