/** The contract with whoever starts the supervisor; the same numbers as herorunner's. */
export const exitCodes = {
  /** Stopped when it was asked to. */
  stopped: 0,
  /** The address was taken, it did not stop in time, or a bug ended the process. */
  aborted: 1,
  /** Usage or configuration; starting again changes nothing. */
  usage: 2,
} as const;
