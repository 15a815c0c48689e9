/** Starts spawn servers: one process becomes as many as are wanted, which share its memory. */
import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { openScratch } from "./nameless-file.ts";
import { SpawnServer } from "./spawn-server.ts";
import type { SpawnServerProgram } from "./spawn-server-programs.ts";

const readyWithinMs = 5_000;

/** Bytes of the roll for each place; the programs' own figures must not be larger. */
const placeBytes = 128;

/** What the servers of one runner know of each other: an empty file in memory, and how many have a place in it. */
export interface ServerRoll {
  readonly file: number;
  readonly places: number;
  taken: number;
}

/** The caller closes the file. */
export function openRoll(places: number): ServerRoll {
  const file = openScratch(new Uint8Array((1 + places) * placeBytes));
  return { file, places, taken: 0 };
}

/**
 * Resolves with those that answered, at best `count`. The caller closes them. All servers of a roll must be of one kind of
 * program, for each kind has its own layout of it.
 */
export async function startSpawnServers(
  count: number,
  { file, argv0, args }: SpawnServerProgram,
  roll: ServerRoll,
): Promise<readonly SpawnServer[]> {
  if (roll.taken + count > roll.places) return [];
  const first = roll.taken;
  roll.taken += count;
  const links = Array.from({ length: count }, (_, index) => 4 + index);
  const words = [3, roll.places, first, ...links].map(String);
  // Away from the group of the runner, so that Ctrl-C does not end them before the jobs. Their environment is not empty:
  // until a new process has become the job it shows that of its server, and without any it could be anybody.
  const child = spawn(file, [...args, ...words], {
    argv0,
    cwd: "/",
    env: { HERORUNNER: "spawn server" },
    stdio: ["ignore", "ignore", "ignore", roll.file, ...links.map(() => "pipe" as const)],
    detached: true,
  });
  child.on("error", () => undefined);
  child.unref();
  const servers = child.stdio
    .slice(4)
    .filter((link) => link instanceof Socket)
    .map((link) => new SpawnServer(link));
  const answers = await Promise.all(servers.map((server) => answersInTime(server)));
  return servers.filter((_, index) => answers[index]);
}

async function answersInTime(server: SpawnServer): Promise<boolean> {
  const timer = setTimeout(() => server.kill(), readyWithinMs);
  const problem = await server.enter("");
  clearTimeout(timer);
  return problem === undefined && !server.isLost;
}
