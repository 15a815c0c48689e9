/** Reads server-sent events from a body, as the HTML standard has them; bodies may be cut anywhere. */

export interface SentEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
}

export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<SentEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let waiting = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      waiting += decoder.decode(value, { stream: true });
      let end: number;
      while ((end = waiting.indexOf("\n\n")) >= 0) {
        const event = readEvent(waiting.slice(0, end));
        waiting = waiting.slice(end + 2);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function readEvent(block: string): SentEvent | undefined {
  const data: string[] = [];
  let event = "message";
  let id: string | undefined;
  for (const line of block.split("\n")) {
    const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (name === "data") data.push(value);
    if (name === "event") event = value;
    if (name === "id") id = value;
  }
  return data.length === 0 ? undefined : { event, data: data.join("\n"), id };
}
