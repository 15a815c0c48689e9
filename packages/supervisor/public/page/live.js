/**
 * News from the supervisor, and the truth about how old they are. `live` tells `job`, `runner`, `resync` (something may have
 * been missed: look again) and `state`.
 */
import { onAnswer, whoAmI } from "./api.js";

const retryMs = 2_000;
const probeEveryMs = 5_000;
const probePatienceMs = 4_000;

class Live extends EventTarget {
  state = "connecting";
  /** When something was last heard, ms on the clock of performance.now(). */
  heardMs = performance.now();
  #source;
  #timers = [];

  start() {
    this.stop();
    this.#open();
    this.#timers.push(setInterval(() => void this.#probe(), probeEveryMs));
  }

  stop() {
    this.#source?.close();
    this.#source = undefined;
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** How long ago anything was heard. */
  get silentMs() {
    return performance.now() - this.heardMs;
  }

  #open() {
    const source = new EventSource("/events");
    this.#source = source;
    source.addEventListener("open", () => {
      this.#heard();
      this.#set("live");
      this.dispatchEvent(new Event("resync"));
    });
    source.addEventListener("error", () => {
      this.#set("reconnecting");
      // A refusal closes it for good; somebody has to ask again.
      if (source.readyState === EventSource.CLOSED && this.#source === source) this.#again();
    });
    for (const name of ["job", "runner"]) {
      source.addEventListener(name, (event) => {
        this.#heard();
        this.dispatchEvent(new CustomEvent(name, { detail: JSON.parse(event.data) }));
      });
    }
    source.addEventListener("gap", () => this.dispatchEvent(new Event("resync")));
    source.addEventListener("dropped", () => this.#set("reconnecting"));
  }

  #again() {
    // The browser does not tell why it was refused; the answer to this does, when it was for want of a session.
    whoAmI().catch(() => undefined);
    const timer = setTimeout(() => {
      if (this.#timers.includes(timer)) this.#open();
    }, retryMs);
    this.#timers.push(timer);
  }

  /** A connection can be dead without anybody saying so. */
  async #probe() {
    try {
      const signal = AbortSignal.timeout(probePatienceMs);
      const { ok } = await fetch("/healthz", { cache: "no-store", signal });
      if (!ok) throw new Error("not well");
      if (this.#source?.readyState !== EventSource.OPEN) return;
      this.#heard();
      if (this.state !== "live") this.dispatchEvent(new Event("resync"));
      this.#set("live");
    } catch {
      this.#set("reconnecting");
    }
  }

  #heard() {
    this.heardMs = performance.now();
  }

  /** From the answers to other requests. */
  answered(ok) {
    if (ok && this.#source?.readyState === EventSource.OPEN) this.#heard();
    if (!ok) this.#set("reconnecting");
  }

  #set(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

export const live = new Live();
onAnswer(({ ok }) => live.answered(ok));

/** Listens until the returned function is called. */
export function onLive(names, listener) {
  for (const name of names) live.addEventListener(name, listener);
  return () => {
    for (const name of names) live.removeEventListener(name, listener);
  };
}
