/** How a Redis server is found or brought onto a machine that has none. The download uses the system's own packages. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { ensureRedisServer } from "../../scripts/redis/ensure.mjs";
import { onPath } from "../../scripts/redis/find.mjs";
import { until } from "../support/until.ts";

const scripts = fileURLToPath(new URL("../../scripts/redis/", import.meta.url));
const isRoot = process.getuid?.() === 0;
const hasApt = (await onPath("apt-get", process.env)).length > 0;
/** As root, the calls below run as nobody, unless this checkout or this node is out of nobody's sight. */
const nobody = { uid: 65534, gid: 65534 };
const look = `require("node:fs").accessSync(${JSON.stringify(scripts)})`;
const nobodySees = isRoot && spawnSync(process.execPath, ["-e", look], { cwd: "/", ...nobody }).status === 0;
const ordinaryUser = nobodySees ? nobody : {};

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-bring-up-"));
  await chmod(folder, 0o777);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder for PATH with programs that answer `--version` as a server does. */
async function folderWith(servers: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, answer] of Object.entries(servers)) {
    await writeFile(join(folder, name), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
  }
  return folder;
}

const redis7 = "Redis server v=7.2.4 sha=00000000:0 malloc=libc bits=64 build=0";
const redis6 = "Redis server v=6.0.16 sha=00000000:0 malloc=libc bits=64 build=0";
const valkey8 = "Valkey server v=8.1.1 sha=00000000:0 malloc=libc bits=64 build=0";

test("takes the server named by HERORUNNER_REDIS_SERVER, whatever is on PATH", async () => {
  const named = await folderWith({ mine: valkey8 });
  const PATH = await folderWith({ "redis-server": redis7 });
  const env = { PATH, HERORUNNER_REDIS_SERVER: join(named, "mine") };
  expect(await ensureRedisServer({ env })).toEqual({ path: join(named, "mine"), version: "8.1.1" });
});

test("refuses a HERORUNNER_REDIS_SERVER that is no server, and says which variable is wrong", async () => {
  const PATH = await folderWith({ "redis-server": redis7 });
  const env = { PATH, HERORUNNER_REDIS_SERVER: "/bin/true" };
  await expect(ensureRedisServer({ env })).rejects.toThrow(/HERORUNNER_REDIS_SERVER names \/bin\/true/);
});

test("prefers redis-server to valkey-server, in the order of PATH, and says nothing about it", async () => {
  const first = await folderWith({ "valkey-server": valkey8 });
  const second = await folderWith({ "redis-server": redis7 });
  const third = await folderWith({ "redis-server": redis7 });
  const said: string[] = [];
  const options = {
    env: { PATH: [first, second, third].join(delimiter) },
    say: (line: string) => said.push(line),
  };
  expect(await ensureRedisServer(options)).toEqual({ path: join(second, "redis-server"), version: "7.2.4" });
  expect(said).toEqual([]);
});

test("passes over a server that is too old when another one will do", async () => {
  const PATH = await folderWith({ "redis-server": redis6, "valkey-server": valkey8 });
  expect(await ensureRedisServer({ env: { PATH } })).toEqual({
    path: join(PATH, "valkey-server"),
    version: "8.1.1",
  });
});

test("answers with one sentence and the command to type where it cannot install anything", async () => {
  const PATH = await folderWith({ brew: "" });
  const failed = ensureRedisServer({ env: { PATH } });
  await expect(failed).rejects.toThrow(
    'No redis-server or valkey-server was found on this machine: type "brew install redis", ' +
      "or set HERORUNNER_REDIS_SERVER to the path of one.",
  );
});

test("says that the only server is too old, and which version is needed", async () => {
  const PATH = await folderWith({ "redis-server": redis6 });
  const failed = ensureRedisServer({ env: { PATH } });
  await expect(failed).rejects.toThrow(`${PATH}/redis-server is version 6.0.16, and 7.0 or newer is needed`);
});

// Both calls run as an ordinary user who has apt but no Redis on PATH, and who may write one folder only.
test.skipIf(!hasApt)(
  "two runs at once without root unpack one server, which answers PING",
  async ({ skip }) => {
    const skipWhenOffline = offlineSkip(skip);
    const home = await temporaryFolder();
    const PATH = await pathWithoutRedis(home);
    const env = { PATH, HOME: home, XDG_CACHE_HOME: join(home, "cache") };
    const program = `
    import { ensureRedisServer } from ${JSON.stringify(join(scripts, "ensure.mjs"))};
    const said = [];
    const server = await ensureRedisServer({ asRoot: false, say: (line) => said.push(line) });
    console.log(JSON.stringify({ ...server, said }));
  `;
    const call = (): Promise<{ path: string; version: string; said: string[] }> =>
      asOrdinaryUser(process.execPath, ["--input-type=module", "-e", program], env).then((text) =>
        JSON.parse(text),
      );
    const calls = [call(), call()] as const;
    // both have to be over before the folder is removed
    await Promise.allSettled(calls);
    const [one, other] = await Promise.all(calls).catch(skipWhenOffline);
    expect(one.path).toBe(other.path);
    expect(one.path.startsWith(join(home, "cache"))).toBe(true);
    expect([...one.said, ...other.said].filter((line) => line.startsWith("Unpacked"))).toHaveLength(1);
    expect(await readdir(join(home, "cache/herorunner/redis"))).toHaveLength(2);

    const socket = join(home, "redis.sock");
    const server = spawn(one.path, ["--port", "0", "--unixsocket", socket, "--dir", home, "--save", ""], {
      env,
      stdio: "ignore",
      ...ordinaryUser,
    });
    onTestFinished(async () => {
      const gone = once(server, "exit");
      server.kill("SIGKILL");
      await gone;
    });
    const ping = ["-e", pingProgram, socket];
    await until(
      async () => (await asOrdinaryUser(process.execPath, ping, env).catch(() => "")) === "+PONG\r\n",
      "PONG",
    );
  },
);

test.skipIf(!hasApt)(
  "brings the libraries that this machine lacks along with the server",
  async ({ skip }) => {
    const skipWhenOffline = offlineSkip(skip);
    const home = await temporaryFolder();
    const program = `
    import { unpackPrivately } from ${JSON.stringify(join(scripts, "apt-private.mjs"))};
    const forget = ["libjemalloc2", "liblzf1"];
    const { path } = await unpackPrivately({ folder: process.argv[1], env: process.env, forget });
    console.log(path);
  `;
    const args = ["--input-type=module", "-e", program, join(home, "server")];
    const unpacking = asOrdinaryUser(process.execPath, args, { ...process.env, HOME: home });
    const path = (await unpacking.catch(skipWhenOffline)).trim();
    // the loader itself says which file it took for each library
    const traced = await asOrdinaryUser("/bin/sh", ["-c", `LD_DEBUG=files ${path} --version 2>&1`], {});
    expect(traced).toMatch(/server v=\d/);
    for (const library of ["libjemalloc.so.2", "liblzf.so.1"]) {
      expect(traced).toMatch(new RegExp(`calling init: ${home}/server/\\S*/${library}`));
    }
  },
);

const pingProgram = `
  const socket = require("node:net").connect(process.argv[1], () => socket.write("PING\\r\\n"));
  socket.once("data", (data) => { process.stdout.write(data); socket.destroy(); });
`;

async function asOrdinaryUser(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { env, cwd: "/", ...ordinaryUser });
  return stdout;
}

/** Without the package server there is nothing to test here, and the machine's network is not our fault. */
function offlineSkip(skip: (note: string) => never): (error: unknown) => never {
  return (error) => {
    const offline = /Failed to fetch|Temporary failure resolving|Could not (?:connect|resolve)/.test(
      String(error),
    );
    if (offline) skip("the system's package server cannot be reached");
    throw error;
  };
}

/** Everything the download needs, and nothing else: the programs of this machine without its Redis. */
async function pathWithoutRedis(home: string): Promise<string> {
  const folder = join(home, "bin");
  await mkdir(folder);
  for (const program of ["apt-get", "apt-cache", "dpkg-deb", "flock", "sh"]) {
    const [path] = await onPath(program, process.env);
    if (path === undefined) throw new Error(`${program} is not on PATH`);
    await symlink(path, join(folder, program));
  }
  return folder;
}
