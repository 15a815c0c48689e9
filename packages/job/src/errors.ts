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
  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
