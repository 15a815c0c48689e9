import { createChildExecutor } from "@herorunner/runner";
import { executorSuite } from "../../../../test/conformance/executor.ts";
import { createSpawnServerLauncher } from "../../src/child/spawn-server-launcher.ts";

executorSuite(
  "level group, through a spawn server",
  async () => {
    const launcher = createSpawnServerLauncher();
    if (!(await launcher.ready)) throw new Error("no Python here");
    return createChildExecutor({ launcher });
  },
  { endsEverything: false, helpersMayFinish: true },
);
