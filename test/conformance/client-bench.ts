/** What the suite of clients needs to run. */
import { ClientError, type ClientErrorCode, type JobApi } from "@herorunner/job";
import type { ScriptedRunner } from "../support/scripted-runner.ts";

export interface ClientBench {
  readonly api: JobApi;
  /** One more client of the same store. */
  another(): Promise<JobApi>;
  /** Serves its runner id, with presence. */
  readonly runner: ScriptedRunner;
  /** A runner id that the client may use and nobody serves. */
  readonly idle: string;
  /** Deletes a job that waits for this runner. */
  remove(id: string, runner: string): Promise<void>;
  close(): Promise<void>;
}

export async function codeOf(work: Promise<unknown>): Promise<ClientErrorCode | "none"> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof ClientError) return error.code;
    throw error;
  }
}
