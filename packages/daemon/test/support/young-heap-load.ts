/** Work of which much survives each collection, in turns of the event loop. Prints how large the young heap became, in MiB. Run by young-heap.test.ts. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { getHeapSpaceStatistics } from "node:v8";
import { boundYoungHeap } from "../../src/index.ts";

boundYoungHeap();
const kept: unknown[] = [];
let largest = 0;
for (let turn = 0; turn < 600; turn += 1) {
  for (let at = 0; at < 4_000; at += 1) kept[(turn * 4_000 + at) % 40_000] = { at, of: [turn] };
  await nextTurn();
  const young = getHeapSpaceStatistics().find((space) => space.space_name === "new_space");
  largest = Math.max(largest, young?.space_size ?? Number.POSITIVE_INFINITY);
}
process.stdout.write(`${largest / 1024 ** 2}\n`);
