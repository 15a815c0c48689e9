/** A machine that is short of something: jobs say so or run all the same, and the runner goes on. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { needSpawnServer } from "../../../../test/support/native-spawn-server.ts";

const program = fileURLToPath(new URL("../../../../test/support/short-machine-program.ts", import.meta.url));
const node = [process.execPath, "-C", "@herorunner/source", "--import", "tsx", program];
await needSpawnServer();

/** What the program prints, or all it said when it failed. */
function shortOf(what: string, command: string, args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync(command, [...args, ...node, what], { encoding: "utf8" });
  return status === 0 ? JSON.parse(stdout) : { status, stderr };
}

const ownMounts = ["-m", "/bin/sh", "-c"];
const mayMount = spawnSync("unshare", [...ownMounts, "mount -t tmpfs tmpfs /dev/shm"]).status === 0;

describe("a runner on a machine that is short", () => {
  it("of descriptors starts jobs again when there are some, and loses none", () => {
    const limit = 'ulimit -n 200; exec "$0" "$@"';
    expect(shortOf("no-descriptors", "/bin/sh", ["-c", limit])).toEqual({
      spawned: ["exited ran", "exited ran", "exited ran"],
      plain: ["EMFILE", "exited ran", "EMFILE"],
      leaked: 0,
    });
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
