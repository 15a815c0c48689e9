/** What Executor leaves of a job's processes, however they hide: nothing, or what the level does not promise to end. */
import { setMaxListeners } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Executor } from "@herorunner/runner";
import { describe, expect, it } from "vitest";
import {
  type BadChild,
  badChild,
  type Behaviour,
  leavers,
  stayers,
  vanishers,
} from "../support/bad-child.ts";
import { until } from "../support/until.ts";

/** What the suite around these tests has; there is an executor and a folder once tests run. */
export interface Around {
  readonly executor: () => Executor;
  readonly folder: () => string;
  readonly endsEverything: boolean;
}

const never = new AbortController().signal;
// Many jobs share it here.
setMaxListeners(0, never);

export function whatIsLeft({ executor, folder, endsEverything }: Around): void {
  describe.concurrent("what is left", () => {
    const leave = async (
      behaviour: Behaviour,
      endWhen: (child: BadChild) => AbortSignal = () => never,
    ): Promise<readonly number[]> => {
      const cwd = join(folder(), behaviour);
      mkdirSync(cwd, { recursive: true });
      const child = badChild(behaviour, { cwd });
      const execution = await executor().run(child.command, endWhen(child));
      if ((execution.facts.kill?.survivors ?? []).length > 0) throw new Error("it reports survivors");
      if (execution.output.stderr.includes("bad-child")) throw new Error(execution.output.stderr);
      const left = child.left();
      for (const pid of left) process.kill(pid, "SIGKILL");
      return left;
    };
    const soon = (): AbortSignal => AbortSignal.timeout(250);
    const vanished = (child: BadChild): AbortSignal => {
      const ending = new AbortController();
      const both = until(() => child.lingering() === 2, "one has gone and the main process lingers");
      void both.catch(() => undefined).then(() => ending.abort());
      return ending.signal;
    };

    it.each(leavers)("is nothing of a job that ends by itself: %s", async (behaviour) => {
      expect(await leave(behaviour)).toEqual([]);
    });

    it.each(stayers)("is nothing of a job that has to be ended: %s", async (behaviour) => {
      expect(await leave(behaviour, soon)).toEqual([]);
    });

    it.each(vanishers)(
      "is nothing, or only what the level does not promise to end: %s",
      async (behaviour) => {
        const left = await (behaviour === "vanishes" ? leave(behaviour) : leave(behaviour, vanished));
        expect(left).toHaveLength(endsEverything ? 0 : 1);
      },
    );

    it("is nothing when eight hostile jobs run at once", async () => {
      const some: readonly Behaviour[] = ["daemon", "respawns-in-sessions", "moving", "many-children"];
      const left = await Promise.all([...some, ...some].map((behaviour) => leave(behaviour)));
      expect(left.flat()).toEqual([]);
    });
  });
}
