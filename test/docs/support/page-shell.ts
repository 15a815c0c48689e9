/**
 * A reader who pastes a page into one shell: a fresh folder, a Redis of its own behind the addresses that the page names,
 * our programs on PATH. A daemon is left running once it is ready, as if it had a terminal of its own, and ended with
 * the shell.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable } from "node:stream";
import { clientOf } from "../../../scripts/redis/private.mjs";
import { builtBin, heroFolder, repositoryRoot } from "../../support/built.ts";
import { freePort } from "../../support/free-port.ts";
import { type RedisServer, startRedis } from "../../support/redis-server.ts";
import { until } from "../../support/until.ts";

export interface Ran {
  readonly exitCode: number;
  /** Both streams, as a terminal shows them; ports are those of the page again. */
  readonly output: string;
  /** The first simple command that failed, with its line. */
  readonly failed: string;
}

export interface PageShell extends AsyncDisposable {
  /** Where the commands run. */
  readonly folder: string;
  readonly redis: RedisServer;
  run(commands: string): Promise<Ran>;
}

/** What a page's address stands for here: each port that is named gets a free one. */
type Ports = Map<string, number>;

const commandTimeoutMs = 120_000;
const address = /(?<host>127\.0\.0\.1|localhost)(?<colon>:)(?<port>\d{4,5})\b/g;
const portFlag = /(?<host>--port)(?<colon>[= ])(?<port>\d{4,5})\b/g;

/** A command that ends by itself, though its program is a daemon. */
const endsByItself =
  "verify|doctor|completion|man|sign|--help|-h|--version|-V|--print-config|--burst|--check-config";

/** `$1` real program, then its arguments: starts it, shows what it said until it was ready, and leaves it running. */
const stay = `#!/bin/sh
real=$1; shift
for word in "$@"; do case $word in ${endsByItself}) exec "$real" "$@";; esac; done
log=$(mktemp "$PAGE_DAEMONS/log.XXXXXX")
setsid "$real" "$@" >"$log" 2>&1 </dev/null 3>&- &
pid=$!
echo "$pid" >"$PAGE_DAEMONS/$pid.pid"
until grep -q -e 'waiting for jobs' -e 'supervisor listens' -e 'takes jobs' "$log"; do
  if ! kill -0 "$pid" 2>/dev/null; then cat "$log"; wait "$pid"; exit $?; fi
  sleep 0.02
done
if grep -q 'waiting for jobs' "$log"; then
  # seen by others too
  until redis-cli --scan --pattern "*:instance:*:$pid:*" | grep -q .; do sleep 0.02; done
fi
cat "$log"
`;

/** What a page says of a checkout holds in its folder too. Copies: a command may write into them. */
const copied = ["examples", "deploy", "package.json"];

export async function openPageShell(): Promise<PageShell> {
  builtBin("herorunner");
  const home = await mkdtemp(join(tmpdir(), "herorunner-docs-"));
  const folder = join(home, "page");
  const daemons = join(home, "daemons");
  const modules = join(folder, "node_modules");
  const bin = join(modules, ".bin");
  for (const each of [folder, daemons, bin]) await mkdir(each, { recursive: true });
  await symlink(join(repositoryRoot, "node_modules", "@herorunner"), join(modules, "@herorunner"));
  for (const part of copied.filter((one) => existsSync(join(repositoryRoot, one))))
    await cp(join(repositoryRoot, part), join(folder, part), { recursive: true });
  const port = await freePort();
  const redis = await startRedis({ port, args: ["--appendonly", "yes"] });
  const ports: Ports = new Map([
    ["6379", port],
    ["8082", await freePort()],
  ]);
  await writePrograms(bin, redis);
  const url = `redis://127.0.0.1:${port}`;
  const env = {
    ...{ PATH: [bin, process.env["PATH"]].join(delimiter), HOME: home, LC_ALL: "C.UTF-8" },
    ...{ HEROJOB_REDIS_URL: url, HERORUNNER_REDIS_URL: url, HEROSUPERVISOR_REDIS_URL: url, REDIS_URL: url },
    ...{
      HERORUNNER_STATE_DIR: join(home, "state"),
      HEROSUPERVISOR_PORT: String(ports.get("8082")),
      PAGE_DAEMONS: daemons,
      NO_COLOR: "1",
      npm_config_update_notifier: "false",
    },
  };
  const bash = spawn("bash", ["--noprofile", "--norc"], {
    cwd: folder,
    env,
    stdio: ["pipe", "ignore", "pipe", "pipe"],
    detached: true,
  });
  const lastResort = (): void => {
    bash.kill("SIGKILL");
    for (const pid of pidsIn(daemons)) kill(-pid, "SIGKILL");
    rmSync(home, { recursive: true, force: true });
  };
  process.on("exit", lastResort);
  const close = async (): Promise<void> => {
    process.off("exit", lastResort);
    bash.kill("SIGKILL");
    await Promise.all([bash.exitCode ?? bash.signalCode ?? once(bash, "exit"), endDaemons(daemons)]);
    await redis.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return {
    folder,
    redis,
    run: (commands) => runIn({ bash, ports, home }, commands),
    [Symbol.asyncDispose]: close,
  };
}

async function writePrograms(bin: string, redis: RedisServer): Promise<void> {
  const program = (name: string, text: string): Promise<void> =>
    rm(join(bin, name), { force: true }).then(() => writeFile(join(bin, name), text, { mode: 0o755 }));
  for (const name of await readdir(heroFolder)) await symlink(join(heroFolder, name), join(bin, name));
  await program("stay", stay);
  for (const name of ["herorunner", "herosupervisor"])
    await program(name, `#!/bin/sh\nexec "${bin}/stay" "${join(heroFolder, name)}" "$@"\n`);
  const server = process.env["HERORUNNER_REDIS_SERVER"] ?? "redis-server";
  const client = await clientOf({ path: server, version: "" });
  await program(
    "redis-cli",
    `#!/bin/sh\nPATH=\${PATH#*:}\ncase " $* " in *" -u "*|*" -p "*) exec ${client} "$@";; esac\nexec ${client} -s ${redis.socketPath} "$@"\n`,
  );
}

interface Session {
  readonly bash: ChildProcess;
  readonly ports: Ports;
  readonly home: string;
}

let blocks = 0;

async function runIn({ bash, ports, home }: Session, commands: string): Promise<Ran> {
  const base = join(home, `block-${(blocks += 1)}`);
  await writeFile(`${base}.sh`, await withOurPorts(commands, ports));
  await writeFile(`${base}.failed`, "");
  const answers = bash.stdio[3] as Readable; // stdio says "pipe" there
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), commandTimeoutMs);
  const answer = once(answers, "data", enough);
  const ended = once(bash, "exit", enough).then(() => Number.NaN);
  bash.stdin?.write(
    `trap 'printf "line %s: %s\\n" "$LINENO" "$BASH_COMMAND" >>"${base}.failed"' ERR\n` +
      `source "${base}.sh" >"${base}.out" 2>&1 </dev/null; printf '%s\\n' "$?" >&3\n`,
  );
  const output = async (): Promise<string> =>
    withPagePorts(await readFile(`${base}.out`, "utf8").catch(() => ""), ports);
  const code = await Promise.race([answer.then(([data]: Buffer[]) => Number(String(data))), ended])
    .catch(() => Number.NaN)
    .finally(() => clearTimeout(timer));
  enough.abort();
  await Promise.allSettled([answer, ended]);
  if (Number.isNaN(code)) {
    throw new Error(
      `the shell ended, or waited for ${commandTimeoutMs} ms, in:\n${commands}\n${await output()}`,
    );
  }
  const [failed = ""] = (await readFile(`${base}.failed`, "utf8")).split("\n");
  return { exitCode: code, output: await output(), failed };
}

async function withOurPorts(commands: string, ports: Ports): Promise<string> {
  for (const [, , , port = ""] of [...commands.matchAll(address), ...commands.matchAll(portFlag)])
    if (!ports.has(port)) ports.set(port, await freePort());
  const ours = (_all: string, host: string, colon: string, port: string): string =>
    `${host === "localhost" ? "127.0.0.1" : host}${colon}${ports.get(port)}`;
  return commands.replaceAll(address, ours).replaceAll(portFlag, ours);
}

function withPagePorts(output: string, ports: Ports): string {
  let text = output;
  for (const [page, ours] of ports) text = text.replaceAll(`:${ours}`, `:${page}`);
  return text;
}

/** 0 asks whether it lives. */
function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // it ended before
  }
}

function pidsIn(folder: string): readonly number[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".pid"));
  return names.map((name) => parseInt(name));
}

async function endDaemons(folder: string): Promise<void> {
  const pids = pidsIn(folder);
  // aborts what still runs, so that no job outlives its page
  for (const pid of pids) kill(pid, "SIGTERM");
  for (const pid of pids) kill(pid, "SIGTERM");
  const gone = (): boolean => pids.every((pid) => !kill(pid, 0));
  await until(gone, "the daemons of the page have ended", 5_000).catch(() => undefined);
  for (const pid of pids) kill(-pid, "SIGKILL");
}
