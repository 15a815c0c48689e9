/** What would start the jobs. It is tried, not looked for: a program that is there may be forbidden, or for another machine. */
import { createSpawnServerLauncher, type SpawnServerLauncherOptions } from "@herorunner/runner";
import type { RunConfig } from "../options.ts";
import { type Finding, fine } from "./finding.ts";

type Wish = Pick<RunConfig, "launcher" | "prewarm">;
type Programs = NonNullable<SpawnServerLauncherOptions["programs"]>;

export async function checkLauncher(wish: Wish): Promise<Finding> {
  if (wish.launcher === "plain") return fine("launcher", "plain, as --launcher says");
  return serverFinding(
    wish,
    await tryServers(wish.launcher === "python" ? ["python"] : ["native", "python"]),
  );
}

async function tryServers(programs: Programs): Promise<Programs[number] | undefined> {
  const launcher = createSpawnServerLauncher({ programs });
  try {
    return (await launcher.ready) ? launcher.program : undefined;
  } finally {
    await launcher.close();
  }
}

/** `program`: the kind of server that answered. */
export function serverFinding({ launcher, prewarm }: Wish, program: Programs[number] | undefined): Finding {
  const guide = 'see "What starts the jobs" in docs/operations.md';
  if (program === "native") return fine("launcher", "compiled spawn servers");
  if (program === "python" && launcher === "python")
    return fine("launcher", "spawn servers in Python, as --launcher says");
  if (program === "python") {
    const sentence = "spawn servers in Python: no compiled ones run here, which take half the processor time";
    const fix = `nothing, unless you want compiled ones; ${guide}`;
    return { name: "launcher", ok: false, severity: "note", sentence, fix };
  }
  const lost = prewarm > 0 ? ", and --prewarm does nothing" : "";
  const sentence = `plain: no spawn server runs here, so each start takes longer${lost}`;
  const otherwise = launcher === "python" ? "leave out --launcher" : "install compiled ones";
  const fix = `install Python 3.8 or newer as /usr/bin/python3, or ${otherwise}; ${guide}`;
  return { name: "launcher", ok: false, severity: "warn", sentence, fix };
}
