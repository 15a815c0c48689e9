/** Prints which descriptors a job has before and after the inherited ones are closed. */
import { closeInheritedDescriptors, createChildExecutor } from "@herorunner/runner";
import { shell } from "./bad-child.ts";

const list = shell("n=0; while [ $n -lt 300 ]; do [ -e /proc/$$/fd/$n ] && echo $n; n=$((n + 1)); done");

async function descriptorsOfJob(): Promise<readonly number[]> {
  const { output } = await executor.run(list, new AbortController().signal);
  return output.stdout.trim().split("\n").map(Number);
}

const handedOver = process.env["KEEP_LISTEN_FDS"];
const executor = createChildExecutor();
const before = await descriptorsOfJob();
const closed = closeInheritedDescriptors(
  handedOver === undefined ? {} : { LISTEN_PID: String(process.pid), LISTEN_FDS: handedOver },
);
const after = await descriptorsOfJob();
await executor.close();
process.stdout.write(JSON.stringify({ before, closed, after }));
