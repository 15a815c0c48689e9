/** Starts spawn servers: one interpreter becomes as many as are wanted, which share its memory. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { SpawnServer } from "./spawn-server.ts";
import { spawnServerProgram } from "./spawn-server-program.ts";

/** Where Python is looked for: not on PATH, where a wrapper may stand that costs more than it saves. */
const interpreters = ["/usr/bin/python3", "/usr/local/bin/python3", "/usr/libexec/platform-python"];
const readyWithinMs = 5_000;

/** Resolves with those that answered, at best `count`; none where there is no usable Python. The caller closes them. */
export async function startSpawnServers(count: number): Promise<readonly SpawnServer[]> {
  const file = interpreters.find((path) => existsSync(path));
  if (file === undefined) return [];
  const descriptors = Array.from({ length: count }, (_, index) => String(3 + index));
  // Away from the group of the runner, so that Ctrl-C does not end them before the jobs. Their environment is not empty:
  // until a new process has become the job it shows that of its server, and without any it could be anybody.
  const child = spawn(
    file,
    ["-I", "-S", "-c", spawnServerProgram, "herorunner-spawn-server", ...descriptors],
    {
      cwd: "/",
      env: { HERORUNNER: "spawn server" },
      stdio: ["ignore", "ignore", "ignore", ...descriptors.map(() => "pipe" as const)],
      detached: true,
    },
  );
  child.on("error", () => undefined);
  child.unref();
  const servers = child.stdio
    .slice(3)
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
