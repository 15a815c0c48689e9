/** The contract with whoever starts the daemon; docs/operations.md explains it. */
export const exitCodes = {
  /** Drained: every job it took has its end. */
  drained: 0,
  /** Something was aborted, or a bug ended the process. */
  aborted: 1,
  /** Usage or configuration; starting again changes nothing. */
  usage: 2,
  /** Redis refused us for good: authentication, a lossy policy. */
  refused: 3,
} as const;
