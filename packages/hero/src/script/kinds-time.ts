/**
 * Points in time and times of day. Undefined when the text is neither.
 */

const secondsOf: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  M: 2_592_000,
  Q: 7_776_000,
  Y: 31_536_000,
};

/** Seconds since 1970, UTC: a date with an optional time, or steps such as `+1w -2h` from now. Empty is now. */
export function readUnixTime(text: string, nowUnix: number): number | undefined {
  if (text === "") return nowUnix;
  if (/^[+-]/.test(text)) return readSteps(text, nowUnix);
  const match = /^(\d{1,4})[-/](\d{1,2})[-/](\d{1,4})(?:\s+(\d{1,2})(?::(\d{1,2}))?(?::(\d{1,2}))?)?$/.exec(
    text,
  );
  if (match === null) return undefined;
  const [, first = "", month = "", last = "", hour = "0", minute = "0", second = "0"] = match;
  const yearFirst = first.length === 4;
  if (!yearFirst && last.length !== 4) return undefined;
  if (yearFirst && last.length > 2) return undefined;
  const year = Number(yearFirst ? first : last);
  const day = Number(yearFirst ? last : first);
  return unixTime([year, Number(month), day], [Number(hour), Number(minute), Number(second)]);
}

function unixTime(
  [year, month, day]: readonly [number, number, number],
  [hour, minute, second]: readonly [number, number, number],
): number | undefined {
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
  date.setUTCFullYear(year, month - 1, day);
  const kept =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!kept || hour > 23 || minute > 59 || second > 59) return undefined;
  return date.getTime() / 1000;
}

function readSteps(text: string, nowUnix: number): number | undefined {
  if (!/^(?:[+-]\s*\d+\s*[smhdwMQY]\s*)+$/.test(text)) return undefined;
  let time = nowUnix;
  for (const [, sign, count, unit = ""] of text.matchAll(/([+-])\s*(\d+)\s*([smhdwMQY])/g)) {
    time += (sign === "-" ? -1 : 1) * Number(count) * (secondsOf[unit] ?? 0);
  }
  return Number.isSafeInteger(time) ? time : undefined;
}

/** Seconds since midnight. PM always adds twelve hours and AM none, as the language has it. */
export function readClockSeconds(text: string): number | undefined {
  const match = /^(\d{1,2})(?::(\d{1,2}))?\s*(AM|PM)?$/i.exec(text);
  if (match === null) return undefined;
  const [, hourText, minuteText = "0", half] = match;
  const hour = Number(hourText);
  const minute = Number(minuteText);
  if (hour > (half === undefined ? 24 : 12) || minute > 60) return undefined;
  const shift = half?.toUpperCase() === "PM" ? 12 : 0;
  return (hour + shift) * 3600 + minute * 60;
}
