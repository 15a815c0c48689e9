/** A helper that outlives the main process and then ends by itself: it was not left behind, also in the moment in which it ends. */
import { type ChildExecutor, createExecutor, createSpawnServerLauncher } from "@herorunner/runner";
import { afterEach, describe, expect, it } from "vitest";
import { shell } from "../../../../test/support/bad-child.ts";
import { needSpawnServer } from "../../../../test/support/native-spawn-server.ts";

const never = new AbortController().signal;
/** Its output ends before it has: the memory behind descriptors 0 and 3 takes the kernel a while. */
const helper = `
import os, signal, time
for fd in (0, 3):
    memory = os.memfd_create("large")
    os.write(memory, bytes(1 << 25))
    os.dup2(memory, fd)
    if memory != fd:
        os.close(memory)
os.kill(os.getppid(), signal.SIGUSR1)
time.sleep(0.05)
os.write(1, b"done")
os._exit(0)
`;
await needSpawnServer();

describe.each(["native", "plain"] as const)("a helper that ends by itself, started by %s,", (kind) => {
  let executor: ChildExecutor | undefined;
  afterEach(() => executor?.close());

  it("is not told as left behind", async () => {
    executor = await createExecutor({
      isolation: "group",
      ...(kind === "native" && { makeLauncher: () => createSpawnServerLauncher({ programs: [kind] }) }),
    });
    const command = shell(`trap 'exit 3' USR1; /usr/bin/python3 -c "$0" & wait`);
    for (let round = 0; round < 6; round += 1) {
      const { ending, output, facts } = await executor.run(
        { ...command, args: [...command.args, helper] },
        never,
      );
      expect(ending).toEqual({ kind: "exited", code: 3 });
      expect(output.stdout).toBe("done");
      expect(facts.kill).toBeUndefined();
      expect(facts.reaped).toBeUndefined();
    }
  });
});
