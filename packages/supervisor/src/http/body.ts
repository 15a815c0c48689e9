/** Reads a request's body, counting: never more than the limit, and never more than a budget for all requests together. */
import type { IncomingMessage } from "node:http";
import { type Answer, refusal } from "./answer.ts";

export interface BodyLimits {
  /** Of one body. */
  readonly maxBytes: number;
  /** Of all bodies that are being read or worked on. */
  readonly maxTotalBytes: number;
}

export type Body =
  | { readonly ok: true; readonly text: string; readonly release: () => void }
  | { readonly ok: false; readonly why: "too_large" | "busy" | "not_utf8" | "aborted" };

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Why a body of this kind is not taken, or undefined. */
export function refuseKind(request: IncomingMessage): Answer | undefined {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return { ...refusal(415, "bodies must not be compressed"), close: true };
  }
  const [type = "", ...parameters] = (request.headers["content-type"] ?? "").split(";");
  const charset = parameters.map((one) => one.trim().toLowerCase()).find((one) => one.startsWith("charset="));
  const isJson = type.trim().toLowerCase() === "application/json";
  if (!isJson || (charset !== undefined && !/^charset="?utf-8"?$/.test(charset))) {
    return { ...refusal(415, "the body must be application/json in UTF-8"), close: true };
  }
  return undefined;
}

export class BodyReader {
  readonly #limits: BodyLimits;
  #heldBytes = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** The caller releases what it got. Never rejects. */
  read(request: IncomingMessage): Promise<Body> {
    const { maxBytes, maxTotalBytes } = this.#limits;
    const announced = Number(request.headers["content-length"] ?? 0);
    if (announced > maxBytes) return Promise.resolve({ ok: false, why: "too_large" });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const release = (): void => {
      this.#heldBytes -= bytes;
      bytes = 0;
    };
    return new Promise((resolve) => {
      const end = (body: Body): void => {
        request.off("data", take).off("end", finish).off("close", abort).off("error", abort);
        // What still comes is nobody's; without a listener an error would be thrown.
        request.on("error", () => undefined);
        if (!body.ok) {
          release();
          request.pause();
        }
        resolve(body);
      };
      const take = (chunk: Buffer): void => {
        bytes += chunk.length;
        this.#heldBytes += chunk.length;
        if (bytes > maxBytes) end({ ok: false, why: "too_large" });
        else if (this.#heldBytes > maxTotalBytes) end({ ok: false, why: "busy" });
        else chunks.push(chunk);
      };
      const finish = (): void => end(decode(chunks, release));
      const abort = (): void => end({ ok: false, why: "aborted" });
      request.on("data", take).on("end", finish).on("close", abort).on("error", abort);
    });
  }
}

function decode(chunks: readonly Buffer[], release: () => void): Body {
  try {
    return { ok: true, text: strictUtf8.decode(Buffer.concat(chunks)), release };
  } catch {
    return { ok: false, why: "not_utf8" };
  }
}
