/** What a command works with. */
import type { JobApi, JobLocator } from "@herorunner/job";
import type { ExitCode } from "./exit-codes.ts";
import type { Shell } from "./shell.ts";

/** What a command that talks to a store gets. */
export interface Session {
  readonly api: JobApi;
  readonly shell: Shell;
  /** ` -r URL` and the like, to be put into commands that are suggested. */
  readonly words: string;
}

/** For commands that may find out before they connect that there is nothing to ask. */
export type WithSession = (work: (session: Session) => Promise<ExitCode>) => Promise<ExitCode>;

/** A job as the command line names it. */
export function locatorOf(config: { readonly runner: string | undefined }): JobLocator {
  return config.runner === undefined ? {} : { runner: config.runner };
}
