/** What herojob's exit status means: a contract with scripts, in docs/submitting.md and pinned by a test. */
import type { ClientErrorCode } from "@herorunner/job";

export const exitCodes = {
  /** Done; where a job was waited for, it is finished. */
  done: 0,
  /** The job ended as error; a signature, receipt or job file is not valid. */
  failed: 1,
  /** Wrong usage: a flag, a file, a field of the job. Nothing was sent. */
  usage: 2,
  /** Redis or the supervisor does not answer, or refuses us. */
  unavailable: 3,
  /** There is no such job, or nobody knows which runner it belongs to. */
  notFound: 4,
  /** The job is in a state that does not allow this, or its id is taken. */
  conflict: 5,
  /** A bug of herojob; the stack is on standard error. Or standard output cannot be written. */
  bug: 70,
  /** The wait was over before the job was. The job goes on. */
  timeout: 124,
  /** Ctrl-C. The job goes on unless cancelling was asked for. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export function exitCodeOf(code: ClientErrorCode): ExitCode {
  switch (code) {
    case "INVALID_JOB":
      return exitCodes.usage;
    case "CONFLICT":
      return exitCodes.conflict;
    case "NOT_FOUND":
      return exitCodes.notFound;
    case "WAIT_TIMEOUT":
      return exitCodes.timeout;
    case "UNAVAILABLE":
    case "DENIED":
      return exitCodes.unavailable;
  }
}
