/** What people do while builds change: register a runner, sign, cancel, look with herojob. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Job, type JobApi } from "@herorunner/job";
import { expect } from "vitest";
import { RpcClient } from "../../packages/supervisor/src/client.ts";
import type { Hash } from "../support/redis-client.ts";
import { until } from "../support/until.ts";
import type { Build } from "./builds.ts";
import type { Tenant } from "./place.ts";
import type { Access, Traffic } from "./traffic.ts";
import type { Yard } from "./yard.ts";

/** Registers the runner and makes an API key, at one supervisor for all of them. */
export async function register(url: string, key: string, runner: string): Promise<string> {
  const rpc = new RpcClient({ url, key });
  await rpc.call("runner.register", { id: runner });
  const made = await rpc.call("key.create", { name: "clients", scopes: ["jobs:write"] });
  return (made as { readonly key: string }).key; // the method's schema says so
}

/** The SDK of each build, over Redis and over the supervisors. */
export async function openAccesses(
  yard: Yard,
  supervisors: readonly string[],
  apiKey: string,
): Promise<readonly Access[]> {
  const builds = [yard.builds.old, yard.builds.new];
  const open = builds.map(async (build): Promise<readonly Access[]> => {
    const { JobClient, SupervisorClient } = build.job;
    const direct: JobApi = await JobClient.connect(yard.url);
    const served = await Promise.all(supervisors.map((url) => SupervisorClient.connect(url, { apiKey })));
    return [
      { name: `${build.name}-sdk`, build, apis: [direct] },
      { name: `${build.name}-rpc`, build, apis: served },
    ];
  });
  return (await Promise.all(open)).flat();
}

export function signerOf({ trust }: Build, yard: Yard): (job: Job) => Promise<Job> {
  return (job) => trust.signJob(job, yard.signer, { nowSeconds: Date.now() / 1000 });
}

/** Long jobs of all accesses, cancelled by them as soon as they run. */
export async function cancelSome(accesses: readonly Access[], runner: string): Promise<void> {
  const endings = accesses.map(async ({ name, apis: [api] }) => {
    const id = `${name}-cancelled`;
    await api?.submit({ id, runner, payload: "60 0\n" });
    await until(async () => (await api?.status(id, { runner }))?.status === "started", `${id} runs`);
    expect(await api?.cancel(id, { runner })).toBe("requested");
    return api?.wait(id, { runner });
  });
  const cancelled = { status: "error", reason: "cancelled" };
  expect(await Promise.all(endings)).toMatchObject(accesses.map(() => cancelled));
}

/** Submits more long jobs than others can take; answers those that this process has started. */
export async function occupy(
  tenant: Tenant,
  more: { readonly yard: Yard; readonly runner: string; readonly traffic: Traffic; readonly access: Access },
): Promise<readonly string[]> {
  const { yard, runner, traffic, access } = more;
  const ids: string[] = [];
  for (const maxAttempts of [1, 2, 1, 2]) {
    ids.push(await traffic.submitOne(access, { seconds: "2", maxAttempts }));
  }
  let taken: readonly string[] = [];
  const look = async (): Promise<boolean> => {
    const jobs = await Promise.all(ids.map((id) => yard.redis.job(runner, id)));
    taken = ids.filter((_id, at) => isStartedBy(tenant, jobs[at] ?? {}));
    return taken.length > 0;
  };
  await until(look, "the process has started one of the long jobs");
  return taken;
}

function isStartedBy({ pid }: Tenant, job: Hash): boolean {
  return job["status"] === "started" && job["owner"]?.split(":")[3] === String(pid);
}

const run = promisify(execFile);

/** herojob of one build, at a job that the other had submitted: its output and its receipt. */
export async function readByHerojob(build: Build, yard: Yard, more: { runner: string; id: string }) {
  const { runner, id } = more;
  const herojob = async (...args: readonly string[]): Promise<string> => {
    const words = [build.program("herojob"), ...args, "--runner", runner, "-r", yard.url];
    return (await run(process.execPath, words)).stdout;
  };
  const verify = ["receipt", "verify", id, "--public-key", yard.receiptKey.publicKey];
  const [result, verified] = await Promise.all([herojob("result", id), herojob(...verify)]);
  expect(result).toBe(`done ${id}\n`);
  expect(verified).not.toContain("FAIL");
}

/** The runner as a supervisor of either build shows it: its processes are there, and one answers a ping. */
export async function lookFrom(url: string, key: string, more: { runner: string; pids: readonly number[] }) {
  const { runner, pids } = more;
  const rpc = new RpcClient({ url, key });
  const { instances } = (await rpc.call("runner.get", { id: runner })) as { instances: { pid: number }[] };
  expect(instances.map(({ pid }) => pid)).toEqual(expect.arrayContaining([...pids]));
  expect(await rpc.call("runner.ping", { id: runner })).toMatchObject({ alive: true });
}
