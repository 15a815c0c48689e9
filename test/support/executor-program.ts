/**
 * A runner in small, for tests that kill it: runs the behaviours of bad-child.sh named in argv at an isolation level,
 * all with the same tag. LAUNCHER=spawn-server in the environment starts them through one. `node -C @herorunner/source --import tsx executor-program.ts LEVEL TAG BEHAVIOUR…`
 */
import { createExecutor, createSpawnServerLauncher, type IsolationLevel } from "@herorunner/runner";
import { badChild, type Behaviour } from "./bad-child.ts";

const [level, tag, ...behaviours] = process.argv.slice(2);
// Both come from our own tests.
const isolation = level as IsolationLevel;
const launcher = process.env["LAUNCHER"] === "spawn-server" ? createSpawnServerLauncher() : undefined;
await launcher?.ready;
const executor = await createExecutor({ isolation, ...(launcher !== undefined && { launcher }) });
for (const behaviour of behaviours as Behaviour[]) {
  const { command } = badChild(behaviour, { timeoutMs: 60_000 }, tag);
  void executor.run(command, new AbortController().signal);
}
