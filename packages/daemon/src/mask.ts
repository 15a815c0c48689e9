/**
 * Takes passwords out of text before anybody sees it. Made for URLs in log lines, configuration print-outs and error
 * messages: when in doubt it hides too much, never too little. Linear in the length of the text.
 */

/** What stands in the place of a secret. */
export const MASK = "***";

const SECRET_PARAMETER = /([?&;](?:password|passwd|pass|secret|token|auth|api_?key)=)[^&;\s]+/gi;

/**
 * Replaces the password of every URL in `text` by `***`, and the values of query parameters such as `password=`.
 * A password may hold any character but white space; the mask reaches to the last `@` of the word.
 */
export function maskUrlPasswords(text: string): string {
  if (!text.includes("://")) return text;
  return text.replace(/\S+/g, maskWord);
}

function maskWord(word: string): string {
  const scheme = word.indexOf("://");
  if (scheme === -1) return word;
  const user = scheme + 3;
  const at = word.lastIndexOf("@");
  const colon = word.indexOf(":", user);
  const masked = colon !== -1 && colon < at ? `${word.slice(0, colon)}:${MASK}${word.slice(at)}` : word;
  return masked.replace(SECRET_PARAMETER, `$1${MASK}`);
}
