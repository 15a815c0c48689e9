/** A runner whose event loop is held for longer than it waits for output: what has come meanwhile is read, not given up. */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, read, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChildExecutor } from "@herorunner/runner";
import { expect, it } from "vitest";
import { newTag, shell } from "../../../../test/support/bad-child.ts";
import type { Launcher } from "../../src/child/launcher.ts";

it("the output of a job that had ended when it was aborted is not lost, though the loop was held", async () => {
  const path = join(tmpdir(), `herorunner-held-${newTag()}`);
  writeFileSync(path, "all of it");
  const file = openSync(path, "r");
  unlinkSync(path);
  const stop = new AbortController();
  const launcher: Launcher = {
    launch: ({ onBytes }) => {
      const { pid } = spawnSync("true");
      let endOutput = (): void => undefined;
      const outputEnded = new Promise<void>((resolve) => (endOutput = resolve));
      const exit = new Promise<{ kind: "exited"; code: number }>((resolve) => {
        setImmediate(() => {
          resolve({ kind: "exited", code: 7 });
          // After the run has heard of the end, and of the abort.
          setImmediate(() => stop.abort());
          setImmediate(() =>
            setImmediate(() => {
              read(file, Buffer.alloc(100), 0, 100, 0, (_error, length, bytes) => {
                onBytes("out", bytes.subarray(0, length));
                endOutput();
              });
              const end = performance.now() + 600;
              while (performance.now() < end);
            }),
          );
        });
      });
      const process = {
        ...{ pid, fence: undefined, exit, endedCleanly: undefined, outputEnded },
        ...{ leftNothing: () => true, release: () => undefined },
      };
      return Promise.resolve({ ok: true, process });
    },
    close: () => Promise.resolve(),
  };
  const executor = createChildExecutor({ makeLauncher: () => launcher });
  const { ending, output } = await executor.run(shell("exit 7"), stop.signal);
  await executor.close();
  closeSync(file);
  expect(ending).toEqual({ kind: "exited", code: 7 });
  expect(output.stdout).toBe("all of it");
});
