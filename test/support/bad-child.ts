/** The hostile child of bad-child.sh: what it can do, how to command it, and how to find what it left. */
import { randomInt } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import type { Command } from "@herorunner/runner";

const script = fileURLToPath(new URL("bad-child.sh", import.meta.url));

/** The main process ends by itself, something stays. */
export const leavers = [
  ...["background", "background-holds-stdout", "background-writes-forever", "many-children", "deep-tree"],
  ...[
    "setsid",
    "setsid-holds-stdout",
    "own-group",
    "nohup",
    "daemon",
    "daemon-holds-stdout",
    "empty-environment",
  ],
  ...[
    "empty-environment-own-group",
    "stopped-helper",
    "ignores-term-helper",
    "respawns",
    "respawns-in-sessions",
  ],
  ...["moving", "odd-name", "closes-everything", "fails-with-helper", "dies-with-helper"],
] as const;

/** The main process stays and has to be ended. */
export const stayers = [
  ...[
    "hangs",
    "hangs-in-child",
    "ignores-term",
    "stops-itself",
    "stops-its-group",
    "forks-on-term",
    "floods",
  ],
  ...[
    "floods-both",
    "hangs-with-session",
    "hangs-with-empty-session",
    "hangs-with-stopped",
    "hangs-without-streams",
  ],
  ...["leaves-on-term"],
] as const;

/** Out of reach without a fence: no group, no session, no mark, no parent. */
export const vanishers = ["vanishes", "vanishes-while-hanging"] as const;

export type Behaviour =
  | (typeof leavers)[number]
  | (typeof stayers)[number]
  | (typeof vanishers)[number]
  | "echo"
  | "reads-slowly"
  | "never-reads"
  | "closes-stdin"
  | "exits-at-once";

export interface BadChild {
  readonly command: Command;
  /** Pids of its living processes, found by a tag in their command lines. */
  left(): readonly number[];
  /** How many of them do nothing more but linger. */
  lingering(): number;
}

/** Digits that no other test uses. */
export function newTag(): string {
  return `00${randomInt(1e9, 1e10)}`;
}

/** `overrides` change the command; without them it has ten seconds and a grace of 0.2 s. */
export function badChild(behaviour: Behaviour, overrides: Partial<Command> = {}, tag = newTag()): BadChild {
  const command = {
    ...commandOf("/bin/sh", [script, tag]),
    env: new Map([
      ["PATH", process.env["PATH"] ?? ""],
      ["BAD", behaviour],
    ]),
    ...overrides,
  };
  const left = (): readonly number[] => processesTagged(tag);
  return { command, left, lingering: () => left().filter((pid) => textOf(pid, "comm") === "sleep\n").length };
}

/** A shell command line as a Command. */
export function shell(text: string, overrides: Partial<Command> = {}): Command {
  return { ...commandOf("/bin/sh", ["-c", text]), ...overrides };
}

export function commandOf(file: string, args: readonly string[] = []): Command {
  return {
    ...{ file, args, stdin: "", cwd: tmpdir(), timeoutMs: 10_000, killGraceMs: 200 },
    ...{ maxOutputBytes: 1024 ** 3, secrets: [], env: new Map([["PATH", process.env["PATH"] ?? ""]]) },
  };
}

/** Living processes with the tag in their command lines. */
export function processesTagged(tag: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => textOf(pid, "cmdline").includes(tag) && !/\) [ZX] /.test(textOf(pid, "stat")));
}

function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
