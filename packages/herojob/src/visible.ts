/**
 * Output of jobs is foreign text. Shown raw on a terminal it could move the cursor, set the title, or make one thing
 * look like another; so everything that does not print is written out: `^[` for ESC, `\u202e` for a turn of direction.
 */

// C0 but tab and newline, DEL, C1, and the characters that change the direction of text.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text with every control character made visible. Tabs and newlines stay. */
export function visible(text: string): string {
  return text.replace(unseen, (one) => {
    const code = one.charCodeAt(0);
    if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
    return code === 0x7f ? "^?" : escape(code);
  });
}

/** One JSON value on one line. JSON itself leaves DEL, C1 and the rest as they are; here they are escaped, which means the same. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(unseen, (one) => escape(one.charCodeAt(0)))}\n`;
}

function escape(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
