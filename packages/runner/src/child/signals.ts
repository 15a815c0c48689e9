/**
 * Sending signals. A process that is already gone, or that we may not signal, is an answer and not an exception. To the
 * kernel 0 and -1 are everybody in our own group, and everybody on the machine: no process of a job has such a number.
 */

/** True when the signal was delivered to somebody. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return isNumberOfOne(pid) && send(pid, signal);
}

/** True when the group still had a member, zombies included. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return isNumberOfOne(group) && send(-group, signal);
}

/** Whether the group has any member, zombies included: a dead one keeps the number from being given to others. */
export function groupExists(group: number): boolean {
  try {
    return isNumberOfOne(group) && process.kill(-group, 0);
  } catch (error) {
    // EPERM: somebody is there, though not ours to signal.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** 1 is the first process of the machine or container, which is nobody's job. */
function isNumberOfOne(id: number): boolean {
  return Number.isSafeInteger(id) && id > 1;
}

function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}
