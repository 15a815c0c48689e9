/**
 * One installation at a time. The lock is the kernel's (flock), held by a small child whose standard input is
 * a pipe from us: when we end, in whatever way, the pipe closes and the lock is free. Nothing can go stale.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";

const noticeMs = 1_000;

/**
 * @template T
 * @param {string} path The lock file; made when missing, never removed.
 * @param {{ waiting: () => void, signal?: AbortSignal | undefined }} options `waiting` is called when somebody else holds the lock.
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, { waiting, signal }, work) {
  const holder = spawn("flock", [path, "sh", "-c", "echo held; read -r _"], {
    stdio: ["pipe", "pipe", "ignore"],
    signal,
  });
  const gone = once(holder, "close");
  gone.catch(() => undefined);
  const notice = setTimeout(waiting, noticeMs);
  try {
    await Promise.race([
      once(holder.stdout, "data"),
      gone.then(() => Promise.reject(new Error(`could not lock ${path}`))),
    ]);
    clearTimeout(notice);
    return await work();
  } finally {
    clearTimeout(notice);
    holder.stdin.end();
    await gone.catch(() => undefined);
  }
}
