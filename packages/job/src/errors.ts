/** Operational errors: the world's fault, not the job's. Match on `code`, never on text. */

export type QueueErrorCode =
  /** The store does not answer, or not in time. Come again later. */
  | "UNAVAILABLE"
  /** The store refuses us for good: password, permissions. */
  | "DENIED"
  /** The store is out of memory: it takes no new work, endings still go through. */
  | "FULL"
  /** The store says no to this command: a key of another type, a command it does not know. */
  | "REJECTED";

export class QueueError extends Error {
  override readonly name = "QueueError";
  readonly code: QueueErrorCode;
  constructor(code: QueueErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type ClientErrorCode =
  /** The job as given cannot be submitted; the message names the field. */
  | "INVALID_JOB"
  /** The id is taken by a job with other content. */
  | "CONFLICT"
  | "NOT_FOUND"
  /** The wait ended before the job did. */
  | "WAIT_TIMEOUT"
  | "UNAVAILABLE"
  | "DENIED";

export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;
  /** It is certain that the call did nothing: the answer was no, or it could not be sent. False: nobody knows. */
  readonly refused: boolean;
  constructor(
    code: ClientErrorCode,
    message: string,
    options: ErrorOptions & { readonly refused?: boolean } = {},
  ) {
    super(message, options);
    this.code = code;
    this.refused = options.refused ?? (code !== "UNAVAILABLE" && code !== "WAIT_TIMEOUT");
  }
}

/** No connection could be made, so nothing was sent. One that breaks later says `read` or `write`, or nothing. */
export function isUnconnected(error: unknown): boolean {
  // A name with several addresses fails with one error for each of them.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isUnconnected);
  if (!(error instanceof Error)) return false;
  return "syscall" in error && (error.syscall === "connect" || error.syscall === "getaddrinfo");
}
