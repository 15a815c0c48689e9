/** How `hero` ends. The numbers are a contract with whoever starts it; none is ever above 125. */
export const exitCodes = {
  done: 0,
  /** An action or a statement failed. */
  failed: 1,
  /** Wrong command line, or a script that cannot be read. */
  usage: 2,
  syntax: 3,
  /** Unknown actor or action. */
  unknown: 4,
  badParameter: 5,
  /** Outside what `--allow` names. */
  notAllowed: 6,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
