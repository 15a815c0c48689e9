/** A machine that is short of something: jobs say so or run all the same, and the runner goes on. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { probeIsolation } from "@herorunner/runner";
import { describe, expect, it } from "vitest";
import { needSpawnServer } from "../../../../test/support/native-spawn-server.ts";

const program = fileURLToPath(new URL("../../../../test/support/short-machine-program.ts", import.meta.url));
const node = [process.execPath, "-C", "@herorunner/source", "--import", "tsx", program];
const levels = (await probeIsolation()).filter((one) => one.available).map((one) => one.level);
await needSpawnServer();

/** What the program prints, or all it said when it failed. */
function shortOf(what: string, command: string, args: readonly string[], level = "group"): unknown {
  const { status, stdout, stderr } = spawnSync(command, [...args, ...node, what, level], {
    encoding: "utf8",
  });
  return status === 0 ? JSON.parse(stdout) : { status, stderr };
}

const ownMounts = ["-m", "/bin/sh", "-c"];
const mayMount = spawnSync("unshare", [...ownMounts, "mount -t tmpfs tmpfs /dev/shm"]).status === 0;

describe("a runner on a machine that is short", () => {
  const limit = 'ulimit -n 200; exec "$0" "$@"';

  it("of descriptors starts jobs again when there are some, and loses none", () => {
    expect(shortOf("no-descriptors", "/bin/sh", ["-c", limit])).toEqual({
      spawned: ["exited ran", "exited ran", "exited ran"],
      plain: ["EMFILE", "exited ran", "EMFILE"],
      leaked: 0,
    });
  });

  it.each(levels)("of descriptors still ends a job with all that it has started, at level %s", (level) => {
    expect(shortOf("no-descriptors-at-end", "/bin/sh", ["-c", limit], level)).toEqual({
      ...{ how: "aborted", survivors: [], left: 0 },
    });
  });

  it("of descriptors does not take the last ones for pipes that it cannot use", () => {
    const { how, gone } = shortOf("few-descriptors", "/bin/sh", ["-c", limit]) as Record<string, unknown>;
    expect(how).toBe("EMFILE");
    // The watchdog and the shell that makes pipes stay.
    expect(gone).toBeLessThan(8);
  });

  it.runIf(mayMount)("of room in /dev/shm runs them with files elsewhere", () => {
    const fill =
      'mount -t tmpfs -o size=8k tmpfs /dev/shm; head -c 9k /dev/zero >/dev/shm/full 2>/dev/null; exec "$0" "$@"';
    expect(shortOf("no-room", "unshare", [...ownMounts, fill])).toEqual({
      spawned: ["exited ran"],
      plain: ["exited ran"],
      leaked: 0,
    });
  });
});
