/**
 * Level `pidns`: each job runs in a PID namespace of its own with its own /proc. When the first process of the
 * namespace ends, the kernel kills all others, and it ends with us: also when the runner is killed. Needs `unshare`
 * and `setpriv` of util-linux, and root or user namespaces.
 */
import { readlinkSync } from "node:fs";
import { constants } from "node:os";
import { type Fence, type FenceMaker, fenceShellName } from "./fence.ts";
import type { Exit } from "./launcher.ts";
import { isAlive, isNobodyElse, listPids, readStat } from "./proc.ts";
import { groupExists, signalGroup } from "./signals.ts";

/**
 * The first process of the namespace is a shell and not the job: the kernel keeps signals from a first process unless
 * it catches them, so that a job in its place could not even kill itself. What the shell would say about the end of
 * the job ("Terminated") is not of the job and goes nowhere.
 */
const startAndWait = 'exec 3>&2 2>/dev/null; unset PWD; "$@" 2>&3 3>&-; exit $?';

export interface PidnsTools {
  /** Absolute paths. */
  readonly setpriv: string;
  readonly unshare: string;
  /** Further words for unshare: `--user --map-root-user` for an ordinary user, `--mount-proc` where it works. */
  readonly unshareArgs: readonly string[];
}

export function createPidnsFences(tools: PidnsTools): FenceMaker {
  return { level: "pidns", make: () => pidnsFence(tools), close: () => Promise.resolve() };
}

/** `command` in a namespace of its own. */
export function inPidNamespace(
  tools: PidnsTools,
  command: readonly string[],
): { file: string; args: string[] } {
  return {
    file: tools.setpriv,
    args: [
      ...["--pdeathsig", "KILL", tools.unshare, ...tools.unshareArgs, "--pid", "--fork", "--kill-child=KILL"],
      ...["--", "/bin/sh", "-c", startAndWait, fenceShellName, ...command],
    ],
  };
}

function pidnsFence(tools: PidnsTools): Fence {
  let leader = 0;
  let leaderTicks = 0;
  // Who is reaped gives its number back, and on a busy machine the next has it soon.
  const isOurs = (): boolean => leader !== 0 && isNobodyElse(leader, leaderTicks);
  return {
    level: "pidns",
    wrap: (file, args) => inPidNamespace(tools, [file, ...args]),
    exit: exitOfShell,
    begin: (pid, startTicks) => {
      leader = pid;
      leaderTicks = startTicks;
    },
    members: () => {
      const namespace = namespaceMadeBy(leader);
      // Asked after it was read: it is that of the leader.
      if (namespace === undefined || !isOurs()) return [];
      return listPids().filter((pid) => linkOf(pid, "pid") === namespace);
    },
    // The first process of the namespace is in our group and is the last to go. Group 0 would be the runner's own.
    isEmpty: () =>
      !isOurs() || !groupExists(leader) || !listPids().some((pid) => isLivingMember(pid, leader)),
    kill: () => void (isOurs() && signalGroup(leader, "SIGKILL")),
    release: () => undefined,
  };
}

function isLivingMember(pid: number, group: number): boolean {
  const stat = readStat(pid);
  return isAlive(stat) && stat.group === group;
}

/** Known only while unshare, the leader, lives. */
function namespaceMadeBy(leader: number): string | undefined {
  const namespace = linkOf(leader, "pid_for_children");
  // Until it has made its own the leader shares ours, where all others live. It is not asked twice: it may end in between.
  const own = linkOf(process.pid, "pid");
  return own === undefined || namespace === own ? undefined : namespace;
}

function linkOf(pid: number, name: "pid" | "pid_for_children"): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch {
    return undefined;
  }
}

/** A shell tells a signal as 128 and its number. Programs that keep to exit codes up to 125 are told exactly. */
function exitOfShell(exit: Exit): Exit {
  if (exit.kind !== "exited" || exit.code <= 128) return exit;
  const signal = signalNames.get(exit.code - 128);
  return signal === undefined ? exit : { kind: "signalled", signal };
}

const signalNames: ReadonlyMap<number, NodeJS.Signals> = new Map(
  // The keys of os.constants.signals are the names, by its type only strings.
  Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]),
);
