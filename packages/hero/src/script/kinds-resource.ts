/**
 * Sizes, money, telephone numbers and addresses. Undefined when the text is not of the kind.
 */

export interface Money {
  readonly code: string;
  readonly amount: number;
}

const units: Readonly<Record<string, number>> = { "": 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** Digits, followed directly by KB, MB or GB (1024 based) or by nothing. */
export function readBytes(text: string): number | undefined {
  const match = /^(\d+)(KB|MB|GB)?$/i.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * (units[(match[2] ?? "").toUpperCase()] ?? 1);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** As bytes, in GB rounded up; a bare number is in GB. */
export function readGigabytes(text: string): number | undefined {
  const bytes = readBytes(/^\d+$/.test(text) ? `${text}GB` : text);
  return bytes === undefined ? undefined : Math.ceil(bytes / 1024 ** 3);
}

const symbols: Readonly<Record<string, string>> = { $: "USD", "£": "GBP", "€": "EUR" };
const otherCodes = ["BTC", "ETH", "XLM", "TFT"];
let knownCodes: ReadonlySet<string> | undefined;

function isCurrency(code: string): boolean {
  knownCodes ??= new Set([...Intl.supportedValuesOf("currency"), ...otherCodes]);
  return knownCodes.has(code);
}

/** An amount with a code before or after it, default USD; `k` and `m` multiply, `%` divides by 100. */
export function readCurrency(text: string): Money | undefined {
  const compact = text
    .replace(/[\s_,]/g, "")
    .replace(/[$£€]/g, (symbol) => symbols[symbol] ?? "")
    .toUpperCase();
  const percent = compact.includes("%");
  const match = /^([A-Z]*)([+-]?(?:\d+(?:\.\d*)?|\.\d+))([A-Z]*)$/.exec(compact.replaceAll("%", ""));
  if (match === null) return undefined;
  const [, before = "", digits = "", after = ""] = match;
  const multiplied = /^[KM](?:[A-Z]{3})?$/.test(after);
  const factor = multiplied ? (after.startsWith("K") ? 1e3 : 1e6) : 1;
  const codeAfter = multiplied ? after.slice(1) : after;
  if (before !== "" && codeAfter !== "") return undefined;
  const code = before + codeAfter === "" ? "USD" : before + codeAfter;
  if (!isCurrency(code)) return undefined;
  return { code, amount: (Number(digits) * factor) / (percent ? 100 : 1) };
}

export function readTelephone(text: string): string {
  return text.replace(/^[+\s]+|[+\s]+$/g, "").replaceAll("-", "");
}

export function readEmail(text: string): string {
  return text.trim().toLowerCase();
}
