/**
 * V8 doubles the young part of the heap whenever much of it survives: to 32 MiB on Node 20, to 128 on Node 24 and 26, and hardly
 * ever back. A daemon whose requests and jobs are short gains nothing by that. `--max-semi-space-size` would bound it too, but is
 * read only when a process starts, and with it Node cannot use its own compiled code.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Both halves of it. What it costs and brings: docs/performance.md, "Idle". */
const boundBytes = 8 * 1024 ** 2;

/**
 * From now on the young part of this process's heap stops growing at 8 MiB, on Node 24 and later somewhat above. Does nothing where
 * its size was chosen by `--max-semi-space-size` or `--min-semi-space-size`, as an argument or in NODE_OPTIONS.
 */
export function boundYoungHeap(): void {
  const chosen = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""];
  if (chosen.some((option) => /semi[-_]space[-_]size/.test(option))) return;
  let mayGrow = true;
  const observer = new PerformanceObserver(() => {
    // It grows at the end of a collection, by one step; between two there is time to ask.
    const isSmall = youngBytes() < boundBytes;
    if (isSmall === mayGrow) return;
    mayGrow = isSmall;
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
  });
  observer.observe({ entryTypes: ["gc"] });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.space_size ?? 0;
}
