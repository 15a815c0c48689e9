/** Numbers, times and texts as people read them. All times are ms; `clock` knows the difference to the time of Redis. */

export const clock = {
  aheadMs: 0,
  now: () => Date.now() + clock.aheadMs,
  /** Redis said that it is this time now. */
  set: (redisNowMs) => {
    clock.aheadMs = redisNowMs - Date.now();
  },
};

const thin = "\u202f";

/** 1 204 */
export function count(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, thin);
}

/** 14 ms, 1.20 s, 31 s, 4 min 2 s, 3 h 5 min, 2 d 4 h */
export function duration(ms) {
  if (ms === undefined || ms === null || Number.isNaN(ms)) return "–";
  const value = Math.max(0, ms);
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 60_000 && value % 1000 === 0) return `${value / 1000} s`;
  if (value < 9_995) return `${(value / 1000).toFixed(2)} s`;
  if (value < 59_950) return `${(value / 1000).toFixed(1)} s`;
  const seconds = Math.round(value / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min${seconds % 60 === 0 ? "" : ` ${seconds % 60} s`}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${minutes % 60 === 0 ? "" : ` ${minutes % 60} min`}`;
  return `${Math.floor(hours / 24)} d${hours % 24 === 0 ? "" : ` ${hours % 24} h`}`;
}

/** 0 s, 14 s, 3 min, 2 h, 5 d: for something that grows while one looks. */
export function roughly(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** 00:31, 1:02:09 */
export function stopwatch(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h === 0 ? `${two(m)}:${two(s)}` : `${h}:${two(m)}:${two(s)}`;
}

/** 310 B, 1.2 MB */
export function bytes(number) {
  if (number < 1000) return `${number} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const step = Math.min(Math.floor(Math.log10(number) / 3), units.length);
  const value = number / 1000 ** step;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[step - 1]}`;
}

const two = (n) => String(n).padStart(2, "0");

/** 12:00:01 */
export function timeOfDay(ms) {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** 12:00:01.120 */
export function exactTime(ms) {
  return `${timeOfDay(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, "0")}`;
}

/** 2026-01-01 12:00:01.120, in the reader's time zone */
export function dateAndTime(ms) {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${exactTime(ms)}`;
}

/** A word for a shell. */
export function shellWord(text) {
  return /^[A-Za-z0-9._/:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

const steering =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/g;

/** Characters that steer instead of showing are shown: an escape as ␛, a direction override as its number. */
export function visible(text) {
  return text.replace(steering, (char) => {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? "\u2421" : `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}
