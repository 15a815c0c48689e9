/** What somebody sees who has the page open while Redis is away or the session ends. */
import { expect, it } from "vitest";
import { site } from "./support/site.ts";

const here = site();

/** Redis is away while `run` runs; its data stay. */
async function withoutRedis(run: () => Promise<void>): Promise<void> {
  const { server, redis } = here.harness;
  await redis.send(["SAVE"]);
  await server.kill();
  try {
    await run();
  } finally {
    await server.start();
  }
}

it("a job that is looked at does not go on saying that Redis is away", async () => {
  const { id: runner } = await here.runner();
  const { id } = await here.served.call("job.run", { runner, payload: "x" });
  const page = await here.open(`/jobs/${id}`);
  await page.locator(".job-head .state-queued").waitFor();
  const notice = page.getByText("Redis does not answer");
  await withoutRedis(() => notice.waitFor());
  await notice.waitFor({ state: "detached" });
  await here.forgive();
});

it("a list of jobs that was opened meanwhile is filled when Redis is back", async () => {
  const { id: runner } = await here.runner();
  const { id } = await here.served.call("job.run", { runner, payload: "x" });
  const page = await here.open("/submit");
  const notice = page.getByText("Redis does not answer");
  await withoutRedis(async () => {
    await page.getByRole("link", { name: "Jobs" }).click();
    await notice.waitFor();
  });
  await page.getByRole("link", { name: id }).waitFor();
  await notice.waitFor({ state: "detached" });
  await here.forgive();
});

it("nobody who is signed in is asked for a key because Redis is away", async () => {
  const page = await here.open("/jobs");
  await withoutRedis(async () => {
    await page.reload();
    await page.getByText("Redis does not answer").waitFor();
    expect(await page.getByLabel("API key or admin secret").count()).toBe(0);
  });
  await page.locator("#live[data-state=live]").waitFor();
  await here.forgive();
});

it("signing out that could not be done is not shown as done", async () => {
  const page = await here.open("/jobs");
  await withoutRedis(async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are not signed out: Redis does not answer. Try again.").waitFor();
  });
  await here.forgive();
});

it.each(["/jobs", "/submit"])(
  "a session that has ended is said on %s, which asks for nothing by itself",
  async (path) => {
    const { id, key } = await here.served.call("key.create", { name: "short", scopes: ["jobs:write"] });
    const own = await here.harness.serve({ limits: { recheckMs: 100 } });
    const page = await here.open(path, { key, at: own.url });
    await here.served.call("key.revoke", { id });
    await page.getByText("The session has ended. Sign in again to go on.").waitFor();
  },
);
