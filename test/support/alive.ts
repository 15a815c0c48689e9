/** Whether a process runs. One that has ended and waits to be collected by its parent does not. */
import { readFileSync } from "node:fs";

export function isAlive(pid: number | string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
