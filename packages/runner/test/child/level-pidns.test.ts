import { levelSuite } from "../../../../test/support/isolation-level.ts";

await levelSuite("pidns", { endsEverything: true, helpersMayFinish: false });
