/** What the client makes of an error of Redis: sentences for those who submit jobs, and a bug stays a bug. */
import { ClientError, isUnconnected, QueueError } from "./errors.ts";
import { refusalWord } from "./redis/refusal.ts";

/** Does the work. Rejects with ClientError DENIED or UNAVAILABLE where it rejects with QueueError. */
export async function operational<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toClientError(error);
  }
}

/** ClientError for QueueError, anything else as it is. */
export function toClientError(error: unknown): unknown {
  if (!(error instanceof QueueError)) return error;
  return new ClientError(error.code === "DENIED" ? "DENIED" : "UNAVAILABLE", error.message, {
    cause: error,
    refused: refusalWord(error) !== "" || isUnconnected(error.cause),
  });
}

/** The same for a read of a job's key: one of another type is no job. */
export function noJob(error: unknown, key: string): unknown {
  if (!(error instanceof QueueError) || refusalWord(error) !== "WRONGTYPE") return error;
  return new ClientError("NOT_FOUND", `the key ${key} is no job: it holds something else than a hash`);
}
