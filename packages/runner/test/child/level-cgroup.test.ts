import { levelSuite } from "../../../../test/support/isolation-level.ts";

await levelSuite("cgroup", { endsEverything: true, helpersMayFinish: true });
