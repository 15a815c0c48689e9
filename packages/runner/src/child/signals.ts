/** Sending signals. A process that is already gone, or that we may not signal, is an answer and not an exception. */

/** True when the signal was delivered to somebody. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return send(pid, signal);
}

/** True when the group still had a member, zombies included. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return send(-group, signal);
}

/** Whether the group has any member, zombies included. */
export function groupExists(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    // EPERM: somebody is there, though not ours to signal.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}
