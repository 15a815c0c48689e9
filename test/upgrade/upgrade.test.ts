/**
 * Two builds at one Redis: runners and supervisors are upgraded and downgraded one after the other, and one is killed each
 * way, while clients of both builds submit jobs without a pause. What is counted is jobs, never seconds.
 */
import { clientFields, keysOf } from "@herorunner/job";
import { expect, it, onTestFinished } from "vitest";
import { until } from "../support/until.ts";
import type { Build } from "./builds.ts";
import { check, countedBy, readByBoth } from "./check.ts";
import { cancelSome, lookFrom, occupy, openAccesses, readByHerojob, register, signerOf } from "./deeds.ts";
import type { Place } from "./place.ts";
import { Traffic } from "./traffic.ts";
import { openYard, type Yard } from "./yard.ts";

const runner = "yard";
/** Every process that serves the runner id ends so many jobs before the next change. */
const jobsEach = 5;

async function yardOfTest(): Promise<Yard> {
  const yard = await openYard();
  onTestFinished(() => yard.close());
  return yard;
}

function isOfClient(field: string): boolean {
  return clientFields.some((name) => name === field);
}

async function change(place: Place, build: Build): Promise<void> {
  expect(await place.end("SIGTERM"), "a clean end").toBe(0);
  await place.start(build);
}

it("nothing is lost and nothing runs twice while builds change", async () => {
  const yard = await yardOfTest();
  const { old, new: now } = yard.builds;
  const options = ["--concurrency", "2", "--signatures", "warn"];
  const one = await yard.runnerPlace("one", runner, options);
  const two = await yard.runnerPlace("two", runner, options);
  const [first, second] = [await yard.supervisorPlace(), await yard.supervisorPlace()];
  await Promise.all([one, two, first.place, second.place].map((place) => place.start(old)));
  const apiKey = await register(first.url, yard.adminSecret, runner);
  const accesses = await openAccesses(yard, [first.url, second.url], apiKey);
  const traffic = new Traffic({ runner, accesses, key: yard.signer });
  traffic.start();
  const ended = ({ tenant }: Place): number =>
    traffic.endings.filter(({ view }) => view.owner?.split(":")[3] === String(tenant.pid)).length;
  const busy = (): Promise<void> =>
    until(
      () => {
        traffic.check();
        return [one, two].every((place) => ended(place) >= jobsEach);
      },
      "every runner ended its share of jobs",
      120_000,
    );
  const crash = async (place: Place, build: Build): Promise<void> => {
    await occupy(place.tenant, { yard, runner, traffic, access: accesses[0]! });
    expect(await place.end("SIGKILL")).toBe("SIGKILL");
    await place.start(build);
  };
  const look = async (): Promise<void> => {
    const pids = [one, two].map(({ tenant }) => tenant.pid);
    for (const { url } of [first, second]) await lookFrom(url, yard.adminSecret, { runner, pids });
  };

  await busy();
  await Promise.all([change(one, now), change(first.place, now)]);
  await busy();
  await look();
  await cancelSome(accesses, runner);
  await Promise.all([crash(two, now), change(second.place, now)]);
  await busy();
  await Promise.all([change(one, old), change(first.place, old)]);
  await busy();
  await look();
  await Promise.all([crash(two, old), change(second.place, old)]);
  await busy();
  await traffic.stop();
  expect([await one.end("SIGTERM"), await two.end("SIGTERM")]).toEqual([0, 0]);

  const { violations, lost, repeated } = await check(yard, runner, traffic);
  expect(violations).toEqual([]);
  expect(lost + repeated).toBeGreaterThan(0);
  expect(await readByBoth(yard, runner, traffic)).toEqual([]);
  const all = traffic.orders.length + accesses.length; // those that were cancelled too
  // For plots: a build may begin its counts anew, but no ending is counted twice or by nobody.
  const counted = (await countedBy(old, yard, runner)) + (await countedBy(now, yard, runner));
  expect([all, 2 * all]).toContain(counted);
  const finished = traffic.endings.filter(({ view }) => view.status === "finished");
  for (const { build, name } of accesses) {
    const { order } = finished.find(({ order }) => order.access === name)!;
    await readByHerojob(build === old ? now : old, yard, { runner, id: order.id });
  }
  console.log(`upgrade: ${all} jobs; of the killed runners' ${lost} were lost and ${repeated} repeated`);
  for (const { apis } of accesses) for (const api of apis) api.close();
});

it("a signed job is not repeated after an upgrade or a downgrade", async () => {
  const yard = await yardOfTest();
  const { old, new: now } = yard.builds;
  const place = await yard.runnerPlace("one", "signed");
  const keys = keysOf("signed");
  const client = await now.job.JobClient.connect(yard.url);
  onTestFinished(() => client.close());
  const ways = { upgraded: [old, now], downgraded: [now, old] } as const;
  for (const [id, [before, after]] of Object.entries(ways)) {
    await place.start(before);
    await client.submit({ id, runner: "signed", payload: "0 0\n" }, { sign: signerOf(before, yard) });
    expect(await client.wait(id)).toMatchObject({ status: "finished", signers: ["alice"] });
    const asked = Object.entries(await yard.redis.job("signed", id)).filter(([name]) => isOfClient(name));
    await change(place, after);
    // Somebody who can write Redis makes it forget the job, and asks for it again.
    await yard.redis.call("DEL", keys.job(id), keys.seen(id), keys.reply(id));
    await yard.redis.submit("signed", id, Object.fromEntries(asked));
    expect(await client.wait(id)).toMatchObject({ status: "error", reason: "replayed" });
    expect(await place.end("SIGTERM")).toBe(0);
    expect((await yard.hero.executions()).get(id)).toMatchObject({ starts: 1 });
  }
});
