/** Quoted for a POSIX shell; fish reads it the same way as long as no backslash is inside. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
