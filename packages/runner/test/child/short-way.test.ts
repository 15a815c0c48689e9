/** A job that ended before it could be announced, and left nothing: what the launcher tells is all there is. */
import { createChildExecutor, type Launcher } from "@herorunner/runner";
import { expect, it } from "vitest";
import { commandOf } from "../../../../test/support/bad-child.ts";

type Launched = Extract<Awaited<ReturnType<Launcher["launch"]>>, { ok: true }>["process"];

/** Launches nothing; the process is over at once. */
function launcherOf(process: Partial<Launched>): Launcher & { released: () => number } {
  let released = 0;
  const exit = process.endedCleanly ?? { kind: "exited" as const, code: 0 };
  return {
    released: () => released,
    launch: () =>
      Promise.resolve({
        ok: true,
        process: {
          ...{ pid: 1, fence: undefined, endedCleanly: undefined, exit: Promise.resolve(exit) },
          ...{ leftNothing: () => true, outputEnded: Promise.resolve() },
          release: () => (released += 1),
          ...process,
        },
      }),
    close: () => Promise.resolve(),
  };
}

it("is told how the job ended by its fence, which knows what the wrapping command meant", async () => {
  const launcher = launcherOf({
    endedCleanly: { kind: "exited", code: 137 },
    fence: {
      level: "pidns",
      wrap: (file, args) => ({ file, args }),
      exit: () => ({ kind: "signalled", signal: "SIGKILL" }),
      begin: () => undefined,
      members: () => [],
      isEmpty: () => true,
      kill: () => undefined,
      release: () => undefined,
    },
  });
  const executor = createChildExecutor({ makeLauncher: () => launcher });
  const { ending } = await executor.run(commandOf("/bin/true"), new AbortController().signal);
  await executor.close();
  expect(ending).toEqual({ kind: "signalled", signal: "SIGKILL" });
  expect(launcher.released()).toBe(1);
});
