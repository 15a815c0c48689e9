/** A JobQueue over another one: methods can be made to fail, be slow or answer as a test likes, and calls are kept. */
import { type JobQueue, QueueError } from "@herorunner/job";

type Method = keyof JobQueue;

export interface TroubledQueue extends JobQueue {
  /** Method names in the order in which they were called. */
  readonly calls: Method[];
  /** Every later call of `method` rejects with this, until mend(). */
  breakDown(method: Method, error?: QueueError): void;
  mend(method: Method): void;
  /** Runs before each call of `method` goes through. */
  before(method: Method, act: () => void | Promise<void>): void;
  /** Runs when the answer is there and holds it up. */
  after(method: Method, act: () => void | Promise<void>): void;
}

const away = new QueueError("UNAVAILABLE", "Redis at redis://test is not reachable");

export function troubledQueue(inner: JobQueue): TroubledQueue {
  const calls: Method[] = [];
  const broken = new Map<Method, QueueError>();
  const first = new Map<Method, () => void | Promise<void>>();
  const second = new Map<Method, () => void | Promise<void>>();
  const controls = {
    calls,
    breakDown: (method: Method, error: QueueError = away) => void broken.set(method, error),
    mend: (method: Method) => void broken.delete(method),
    before: (method: Method, act: () => void | Promise<void>) => void first.set(method, act),
    after: (method: Method, act: () => void | Promise<void>) => void second.set(method, act),
  };
  const proxy = new Proxy(inner, {
    get(target, name: string) {
      if (name in controls) return controls[name as keyof typeof controls];
      const method = name as Method;
      return async (...args: unknown[]) => {
        calls.push(method);
        await first.get(method)?.();
        const error = broken.get(method);
        if (error !== undefined) throw error;
        const answer: unknown = await (target[method] as (...args: unknown[]) => unknown).apply(target, args);
        await second.get(method)?.();
        return answer;
      };
    },
  });
  return proxy as TroubledQueue;
}
