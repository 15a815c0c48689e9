/**
 * A runner in small, for tests that kill it: runs the behaviours of bad-child.sh named in argv at an isolation level,
 * all with the same tag. SPAWN_SERVER=native|python in the environment starts them through one. `node -C @herorunner/source --import tsx executor-program.ts LEVEL TAG BEHAVIOUR…`
 */
import {
  createExecutor,
  createSpawnServerLauncher,
  type IsolationLevel,
  type SpawnServerLauncher,
} from "@herorunner/runner";
import { badChild, type Behaviour } from "./bad-child.ts";

const [level, tag, ...behaviours] = process.argv.slice(2);
// Both come from our own tests.
const isolation = level as IsolationLevel;
const kind = process.env["SPAWN_SERVER"] as "native" | "python" | undefined;
let launcher: SpawnServerLauncher | undefined;
const executor = await createExecutor({
  isolation,
  ...(kind !== undefined && {
    makeLauncher: (fences) =>
      (launcher = createSpawnServerLauncher({
        concurrency: behaviours.length,
        programs: [kind],
        ...(fences !== undefined && { fences }),
      })),
  }),
});
await launcher?.ready;
for (const behaviour of behaviours as Behaviour[]) {
  const { command } = badChild(behaviour, { timeoutMs: 60_000 }, tag);
  void executor.run(command, new AbortController().signal);
}
