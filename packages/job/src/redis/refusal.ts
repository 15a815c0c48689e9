/** What Redis or the network said → QueueError with the code that tells a caller what to do. */
import { ErrorReply } from "@redis/client";
import { QueueError, type QueueErrorCode } from "../errors.ts";

/** By the first word of Redis's own answer. Anything that is no answer is a matter of the connection. */
const codeOfWord: ReadonlyMap<string, QueueErrorCode> = new Map([
  ["NOAUTH", "DENIED"],
  ["WRONGPASS", "DENIED"],
  ["NOPERM", "DENIED"],
  ["DENIED", "DENIED"],
  ["OOM", "FULL"],
  ["MOVED", "UNAVAILABLE"],
  ["ASK", "UNAVAILABLE"],
  ["TRYAGAIN", "UNAVAILABLE"],
  ["CLUSTERDOWN", "UNAVAILABLE"],
  ["READONLY", "UNAVAILABLE"],
  ["LOADING", "UNAVAILABLE"],
  ["MASTERDOWN", "UNAVAILABLE"],
  ["NOREPLICAS", "UNAVAILABLE"],
  ["MISCONF", "UNAVAILABLE"],
  ["BUSY", "UNAVAILABLE"],
  ["UNBLOCKED", "UNAVAILABLE"],
]);

/** Answers that begin with a plain ERR and still mean something definite. */
const codeOfError: readonly (readonly [RegExp, QueueErrorCode])[] = [
  [/^ERR max number of clients/, "UNAVAILABLE"],
  [/^ERR (AUTH|Client sent AUTH|invalid password)/, "DENIED"],
  [/^ERR (DB index|invalid DB index|SELECT is not allowed)/, "DENIED"],
];

/** What mends a refusal whose own words do not say it. What is only passing behind Sentinel or in a Cluster is not here. */
function adviceOn(word: string, where: string): string {
  const moves = where.includes("+sentinel://") || where.includes("+cluster://");
  if (word === "NOREPLICAS") return "; bring its replicas back, or lower its min-replicas-to-write";
  if (word === "READONLY" && !moves) return "; it is a replica: name its master, or use redis+sentinel://";
  if (word === "MOVED" && !moves) return "; it is a node of a Cluster: name it with redis+cluster://";
  return "";
}

export function toQueueError(error: unknown, where = "Redis"): QueueError {
  if (error instanceof QueueError) return error;
  const text = error instanceof Error ? error.message || error.name : String(error);
  if (error instanceof ErrorReply) {
    const word = text.split(" ", 1)[0] ?? "";
    const code =
      codeOfWord.get(word) ?? codeOfError.find(([pattern]) => pattern.test(text))?.[1] ?? "REJECTED";
    // Redis repeats the arguments of a command that it does not know: payloads and results among them.
    const shown = text.replace(/,? with args beginning with:.*/s, "").replace(/\.$/, "");
    return new QueueError(code, `${where} refuses: ${shown}${adviceOn(word, where)}`, { cause: error });
  }
  return new QueueError("UNAVAILABLE", `${where} is not reachable: ${text}`, { cause: error });
}

/** The first word of Redis's own answer, "" when the error is none. */
export function refusalWord(error: QueueError): string {
  return error.cause instanceof ErrorReply ? (error.cause.message.split(" ", 1)[0] ?? "") : "";
}
