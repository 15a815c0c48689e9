/** A mistake on the command line or in a file that it names: a sentence with the thing, its value and the next step. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
