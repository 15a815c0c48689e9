/**
 * Descriptors that the runner itself was born with and that are not marked close-on-exec reach every job: a log of the
 * starting shell, a lock of its service manager. The program closes them once, at its start, before it opens anything.
 */
import { closeSync, fstatSync, readdirSync, readFileSync } from "node:fs";

const closeOnExec = 0o2000000;

/**
 * Closes every descriptor from 3 on that children would inherit, except sockets handed over by systemd (LISTEN_FDS)
 * and the channel to a parent that is a Node process. Answers what it closed.
 */
export function closeInheritedDescriptors(
  env: Readonly<Record<string, string | undefined>>,
): readonly number[] {
  const handedOver = env["LISTEN_PID"] === String(process.pid) ? Number(env["LISTEN_FDS"] ?? 0) : 0;
  const closed: number[] = [];
  for (const fd of openDescriptors()) {
    if (fd < 3 + handedOver || isCloseOnExec(fd) || isParentChannel(fd)) continue;
    try {
      closeSync(fd);
      closed.push(fd);
    } catch {
      // Closed meanwhile, such as the one that listed the others.
    }
  }
  return closed;
}

function openDescriptors(): readonly number[] {
  return readdirSync("/proc/self/fd").map(Number);
}

function isCloseOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & closeOnExec) !== 0;
  } catch {
    return true;
  }
}

/** Node does not say which descriptor its channel is; it is a socket, so sockets are spared when there is one. */
function isParentChannel(fd: number): boolean {
  return process.channel !== undefined && fstatSync(fd).isSocket();
}
