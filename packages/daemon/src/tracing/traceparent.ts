/** A place in a trace as W3C Trace Context writes it, `00-<trace>-<span>-<flags>`; what is no such text says nothing. */

export interface TracePlace {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Whoever began the trace wants it kept. */
  readonly sampled: boolean;
}

/** Later versions may say more after a dash; what stands here they say too. Ids of nothing but zeros are invalid. */
const pattern =
  /^(?<version>(?!ff)[0-9a-f]{2})-(?<traceId>(?!0{32})[0-9a-f]{32})-(?<spanId>(?!0{16})[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<more>-.*)?$/;

export function parseTraceparent(text: string | undefined): TracePlace | undefined {
  const { version, traceId, spanId, flags, more } = pattern.exec(text ?? "")?.groups ?? {};
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "00" && more !== undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function traceparentOf({ traceId, spanId, sampled }: TracePlace): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
