/** How large the young part of the heap becomes, in a real process under real load. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const load = fileURLToPath(new URL("support/young-heap-load.ts", import.meta.url));

async function largestMiB(nodeOptions = ""): Promise<number> {
  const env = { PATH: process.env["PATH"], NODE_OPTIONS: nodeOptions };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--import", "tsx", load], { env });
  expect(stderr).toBe(""); // as V8 would say of a flag that it does not know
  return Number(stdout);
}

describe("the young part of the heap", () => {
  it("stays small under load, and becomes larger where that was chosen", async () => {
    const bounded = await largestMiB();
    // 8 on Node 20 and 22; newer ones overshoot while they collect.
    expect(bounded).toBeLessThan(32);
    expect(await largestMiB("--max-semi-space-size=64")).toBeGreaterThan(1.5 * bounded);
  });

  it("does not become larger than is chosen", async () => {
    expect(await largestMiB("--max-semi-space-size=1")).toBeLessThanOrEqual(4);
  });
});
