import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("../../../../test/support/descriptors-program.ts", import.meta.url));

/**
 * Starts the program with two inherited descriptors, 40 and 41, and answers what it prints. High ones, for Node itself
 * marks the low ones close-on-exec up to the first gap.
 */
async function descriptorsOfJob(environment: Record<string, string>): Promise<unknown> {
  const start = 'exec 40</dev/null 41</dev/null; exec "$@"';
  const node = [process.execPath, "-C", "@herorunner/source", "--import", "tsx", program];
  const child = spawn("bash", ["-c", start, "bash", ...node], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  await once(child, "close");
  return JSON.parse(out);
}

describe("closeInheritedDescriptors", () => {
  it("leaves a job with descriptors 0, 1 and 2 alone", async () => {
    expect(await descriptorsOfJob({})).toEqual({
      before: expect.arrayContaining([0, 1, 2, 40, 41]),
      closed: expect.arrayContaining([40, 41]),
      after: [0, 1, 2],
    });
  });

  it("keeps what systemd hands over", async () => {
    // Descriptors 3 to 40.
    expect(await descriptorsOfJob({ KEEP_LISTEN_FDS: "38" })).toMatchObject({ after: [0, 1, 2, 40] });
  });
});
