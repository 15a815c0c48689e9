import { levelSuite } from "../../../../test/support/isolation-level.ts";

await levelSuite("group", { endsEverything: false, helpersMayFinish: true });
