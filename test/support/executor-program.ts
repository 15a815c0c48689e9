/**
 * A runner in small, for tests that kill it: runs the behaviours of bad-child.sh named in argv at an isolation level,
 * all with the same tag. `node -C @herorunner/source --import tsx executor-program.ts LEVEL TAG BEHAVIOUR…`
 */
import { createExecutor, type IsolationLevel } from "@herorunner/runner";
import { badChild, type Behaviour } from "./bad-child.ts";

const [level, tag, ...behaviours] = process.argv.slice(2);
// Both come from our own tests.
const executor = await createExecutor({ isolation: level as IsolationLevel });
for (const behaviour of behaviours as Behaviour[]) {
  const { command } = badChild(behaviour, { timeoutMs: 60_000 }, tag);
  void executor.run(command, new AbortController().signal);
}
