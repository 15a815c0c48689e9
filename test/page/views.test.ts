/** Every view and every action of the page, in a real browser, on jobs that really change. */
import { jobReasons } from "@herorunner/job";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import type { StandIn } from "../../packages/supervisor/test/support/harness.ts";
import { overflow, site } from "./support/site.ts";

const here = site();

const output = { stdout: "", stderr: "", stdoutBytes: 0, stderrBytes: 0, droppedBytes: 0 };

/** Submits a job and lets it fail with a kill report and some output. */
async function failedJob(runner: StandIn, id: string): Promise<void> {
  await here.served.call("job.run", {
    ...{ runner: runner.id, id, caller_id: "alice", context_id: "prod", timeout: 2 },
    ...{
      payload: "!!git.pull name:'web' // all of it\nprint(\"done\")\n",
      env_vars: { API_TOKEN: "not-to-be-seen" },
    },
  });
  const claim = await runner.take();
  await runner.queue.appendLog(claim, [
    { stream: "out", offset: 0, data: "pulling\nhalf a " },
    { stream: "err", offset: 0, data: "fatal: no space left\n" },
    { stream: "out", offset: 15, data: "line\n" },
  ]);
  await runner.queue.settle(claim, {
    ...{ kind: "error", reason: "timeout", message: "timeout after 2 s; its processes were ended" },
    output: { ...output, stdout: "pulling\nhalf a line\n", stderr: "fatal: no space left\n" },
    facts: {
      ...{ durationMs: 2_040, isolation: "group", reaped: 2 },
      kill: {
        ...{ reason: "timeout", askedAtMs: 1_000, termAtMs: 1_000, killAtMs: 1_100, goneAtMs: 1_200 },
        found: [{ pid: 71, ppid: 1, name: "sleep", via: "group" }],
        survivors: [],
      },
    },
  });
}

const rows = (page: Page) => page.locator(".jobs tbody tr");

describe("signing in", () => {
  it("refuses a wrong key in words, takes a right one, and forgets it at signing out", async () => {
    const page = await here.open("/");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key or admin secret").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("the key is not valid").waitFor();
    await page.reload();
    await page.getByLabel("API key or admin secret").waitFor();
    expect(await page.evaluate("document.cookie + JSON.stringify(localStorage)")).toBe("{}");
    await here.shot(page, "sign-in");
  });

  it("shows no buttons to a key that may only read", async () => {
    const runner = await here.runner();
    await failedJob(runner, "only-read");
    const { key } = await here.served.call("key.create", { name: "reader", scopes: ["jobs:read"] });
    const page = await here.open("/jobs/only-read", { key });
    await page.getByText("reader (read-only)").waitFor();
    await page.getByText("Why it failed").waitFor();
    expect(await page.getByRole("button", { name: /Run again|Cancel/ }).count()).toBe(0);
    expect(await page.getByRole("link", { name: "Submit" }).count()).toBe(0);
    await page.goto(`${here.url}/runners`);
    await page.getByRole("region", { name: `Runner ${runner.id}` }).waitFor();
    expect(await page.getByRole("button", { name: /Pause|Remove|Ping/ }).count()).toBe(0);
    await page.goto(`${here.url}/submit`);
    await page.getByText("This key may look at jobs, but not submit any.").waitFor();
  });
});

describe("the overview", () => {
  it("shows what runs, what waits and how it went, and hears of news by itself", async () => {
    const runner = await here.runner();
    const page = await here.open("/");
    await page.getByRole("link", { name: runner.id, exact: true }).waitFor();
    await failedJob(runner, "on-overview");
    await rows(page).filter({ hasText: "on-overview" }).locator(".state-error").waitFor();
    await here.served.call("job.run", { runner: runner.id, id: "runs-now", payload: "x", timeout: 60 });
    await runner.take();
    const running = page.getByRole("row").filter({ hasText: "runs-now" });
    await running.getByRole("progressbar").waitFor();
    await page.reload();
    await page.getByRole("img", { name: /Ended, 1 h: .*[1-9]\d* failed/ }).waitFor();
    await page.getByRole("img", { name: /Took, p50 and p95: p50/ }).waitFor();
    await page.locator(".reason", { hasText: "timeout" }).waitFor();
    await here.shot(page, "overview");
    await page.emulateMedia({ colorScheme: "dark" });
    await here.shot(page, "overview-dark");
  });

  it("cancels a running job after asking once, and says that it was heard", async () => {
    const runner = await here.runner();
    await here.served.call("job.run", { runner: runner.id, id: "to-cancel", payload: "x", timeout: 60 });
    await runner.take();
    const page = await here.open("/");
    const row = page.getByRole("row").filter({ hasText: "to-cancel" });
    await row.getByRole("button", { name: "Cancel" }).click();
    await row.getByText("Cancel job to-cancel?").waitFor();
    await row.getByRole("button", { name: "No" }).click();
    await row.getByRole("button", { name: "Cancel" }).click();
    await row.getByRole("button", { name: "Yes, cancel it" }).click();
    await row.getByText("Asked; it ends").waitFor(); // not what stands there while it asks
    const asked = await here.harness.redis.send(["HGET", runner.keys.job("to-cancel"), "cancel"]);
    expect(String(asked)).toBe("1");
  });

  it("teaches where there is nothing yet", async () => {
    const page = await here.open("/jobs?caller_id=nobody-at-all");
    await page.getByText("No job is like that.").waitFor();
    await page.getByRole("link", { name: "Show all jobs" }).click();
    await page.waitForURL(`${here.url}/jobs`);
  });
});

describe("the list of jobs", () => {
  it("filters by what stands in the address, and Back undoes it", async () => {
    const runner = await here.runner();
    await failedJob(runner, "list-failed");
    await here.served.call("job.run", { runner: runner.id, id: "list-good", payload: "x" });
    await runner.finish("fine");
    const page = await here.open(`/jobs?runner=${runner.id}`);
    await expect.poll(() => rows(page).count()).toBe(2);
    await page.getByLabel("State").selectOption("error");
    await expect.poll(() => rows(page).count()).toBe(1);
    expect(new URL(page.url()).search).toBe(`?runner=${runner.id}&status=error`);
    await page.goBack();
    await expect.poll(() => rows(page).count()).toBe(2);
    await page.getByLabel("Reason").selectOption("timeout");
    await rows(page).filter({ hasText: "list-failed" }).waitFor();
    await here.shot(page, "jobs");
  });

  it("goes on page by page, and through all of them by keyboard", async () => {
    const runner = await here.runner();
    for (let at = 0; at < 60; at += 1) {
      await here.served.call("job.run", { runner: runner.id, id: `many-${at}`, payload: "x" });
    }
    const page = await here.open(`/jobs?runner=${runner.id}`);
    await expect.poll(() => rows(page).count()).toBe(50);
    await page.getByRole("button", { name: "Older jobs" }).click();
    await expect.poll(() => rows(page).count()).toBe(60);
    await page.getByText("60 jobs, all there are.").waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/jobs\/many-58/);
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("next and previous row").waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
  });
});

describe("one job", () => {
  it("says why it failed, what to do, who it was and how it was ended, and keeps the values of variables", async () => {
    const runner = await here.runner();
    await failedJob(runner, "why");
    const page = await here.open("/");
    await page.keyboard.press("/");
    await page.keyboard.type("why");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Why it failed" }).waitFor();
    await page.getByText("The job ran longer than its timeout").waitFor();
    await page.getByText(`herojob retry why --runner ${runner.id}`).waitFor();
    await page.getByRole("list", { name: "How it went" }).getByText("started").waitFor();
    await page.getByText("Ending: the process is gone after 200 ms").click();
    await page.getByRole("cell", { name: "sleep" }).waitFor();
    await page.getByText("Script (2 lines)").click();
    expect(await page.locator(".t-action").textContent()).toBe("git.pull");
    await page.getByText("Environment (1 name)").click();
    await page.getByText("API_TOKEN").waitFor();
    expect(await page.content()).not.toContain("not-to-be-seen");
    await here.shot(page, "job");
    await page.emulateMedia({ colorScheme: "dark" });
    await here.shot(page, "job-dark");
  });

  it("keeps the two streams of the log apart, whole lines first, and lets them be downloaded as text", async () => {
    const runner = await here.runner();
    await failedJob(runner, "streams");
    const page = await here.open("/jobs/streams");
    await expect
      .poll(() => page.locator(".lr .lt").allTextContents())
      .toEqual(["pulling", "half a line", "fatal: no space left"]);
    expect(await page.locator(".lr.err .lt").allTextContents()).toEqual(["fatal: no space left"]);
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Raw stderr" }).click(),
    ]);
    expect(file.suggestedFilename()).toBe("streams.err.txt");
  });

  it("runs again what is not signed, and shows the command that signs what is", async () => {
    const runner = await here.runner();
    await failedJob(runner, "again");
    const page = await here.open("/jobs/again");
    await page.getByRole("button", { name: "Run again" }).click();
    await page.waitForURL((url) => url.pathname.startsWith("/jobs/") && !url.pathname.endsWith("again"));
    await page.getByText("waiting for a runner").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Yes, cancel it" }).click();
    await page.getByText("cancelled", { exact: true }).first().waitFor();

    const signatures = [{ public_key: `02${"11".repeat(32)}`, signature: "22".repeat(64) }];
    await here.served.call("job.run", { runner: runner.id, id: "signed", payload: "x", signatures });
    await runner.finish("fine");
    await page.goto(`${here.url}/jobs/signed`);
    await page.getByRole("button", { name: "Run again" }).click();
    await page.getByText(`herojob submit --runner ${runner.id} --key KEY_FILE`).waitFor();
  });

  it("says so when there is none", async () => {
    const page = await here.open("/jobs/nothing-like-it");
    await page.getByText("there is no job nothing-like-it").waitFor();
  });

  it("says what is wrong with an id that no job can have, after a reload too", async () => {
    const page = await here.open("/jobs");
    await page.getByLabel("Open a job by its id").fill("a b");
    await page.keyboard.press("Enter");
    await page.getByText("id: must match").waitFor();
    await page.reload();
    await page.getByText("id: must match").waitFor();
  });
});

describe("runners", () => {
  it("pings, pauses, resumes and removes, and does not hide one that is gone", async () => {
    const runner = await here.runner();
    await here.served.call("runner.register", { id: "taken-down", description: "an old machine" });
    const page = await here.open("/runners");
    const alive = page.getByRole("region", { name: `Runner ${runner.id}` });
    await alive.getByRole("button", { name: "Ping" }).click();
    await alive.getByText(/Answered in .* ms|No answer/).waitFor();
    await alive.getByRole("button", { name: "Pause" }).click();
    await alive.getByText("‖ paused").waitFor();
    await alive.getByRole("button", { name: "Resume" }).click();
    await alive.getByText("● alive").waitFor();
    const gone = page.getByRole("region", { name: "Runner taken-down" });
    await gone.getByText("not heard of").waitFor();
    await gone.getByText("No process serves this id").waitFor();
    await here.shot(page, "runners");
    await gone.getByRole("button", { name: "Remove" }).click();
    await gone.getByRole("button", { name: "Yes, remove it" }).click();
    await expect.poll(() => gone.count()).toBe(0);
  });
});

describe("submitting", () => {
  it("shows what hero check would say while one writes, asks before it sends a faulty script, and opens the job", async () => {
    const runner = await here.runner();
    const page = await here.open(`/submit?runner=${runner.id}`);
    await page.getByLabel("Script").fill("print(1)\n!!git.clone url:'open\n");
    await page.getByText("2:17").waitFor();
    await page.getByText(/this quote is never closed/).waitFor();
    await here.shot(page, "submit");
    await page.getByRole("button", { name: "Run it despite 1 problem" }).click();
    await page.getByText("Press once more to send the script as it is.").waitFor();
    await page.getByLabel("Script").fill("print(1)\n!!git.clone url:'closed'\n");
    await page.getByText("The syntax is in order.").waitFor();
    await page.getByRole("button", { name: "Add a variable" }).click();
    await page.getByLabel("Name of the variable").fill("REGION");
    await page.getByLabel("Value of the variable").fill("eu");
    await page.getByLabel("Timeout, seconds").fill("7");
    await page.getByLabel("Caller").fill("carol");
    await page.getByRole("button", { name: "Run it", exact: true }).click();
    await page.waitForURL(/\/jobs\/.+/);
    await page.getByText("waiting for a runner").waitFor();
    const { jobs } = await here.served.call("job.list", { runner: runner.id });
    expect(jobs).toMatchObject([{ timeout: 7, caller_id: "carol", env_names: ["REGION"] }]);
  });

  it("sends a script that it does not understand when it is told twice", async () => {
    const runner = await here.runner();
    const page = await here.open(`/submit?runner=${runner.id}`);
    await page.getByLabel("Script").fill("if (\n");
    await page.getByRole("button", { name: /Run it despite/ }).click();
    await page.getByText("Press once more").waitFor();
    await page.getByRole("button", { name: /Run it despite/ }).click();
    await page.waitForURL(/\/jobs\/.+/);
  });

  it("keeps what was written when the link to the content is followed", async () => {
    const page = await here.open("/submit");
    await page.getByLabel("Script").fill('print("kept")');
    await page.getByRole("link", { name: "Skip to the content" }).press("Enter");
    await page.locator("main:focus").waitFor();
    expect(await page.getByLabel("Script").inputValue()).toBe('print("kept")');
  });
});

describe("a phone", () => {
  it("shows every view without scrolling sideways", async () => {
    const runner = await here.runner();
    await failedJob(runner, "on-a-phone-with-a-very-long-id-0123456789-0123456789-0123456789");
    const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
    const page = await here.open("/", phone);
    const job = "/jobs/on-a-phone-with-a-very-long-id-0123456789-0123456789-0123456789";
    for (const [name, path] of Object.entries({
      overview: "/",
      jobs: "/jobs",
      runners: "/runners",
      submit: "/submit",
      job,
    })) {
      await page.goto(here.url + path);
      await page.locator("#live[data-state=live]").waitFor();
      await page.locator("main h1").first().waitFor({ state: "attached" });
      if (name === "job") await page.getByText("Why it failed").waitFor();
      if (name === "jobs") await rows(page).first().waitFor();
      await here.shot(page, `phone-${name}`);
      expect({ name, tooWide: await overflow(page) }).toEqual({ name, tooWide: [] });
    }
  });

  it("and every other window shows what runs and what ended without it, and a field to look for a job", async () => {
    const runner = await here.runner();
    const ended = "a-very-long-id-0123456789-0123456789-0123456789-0123456789";
    await failedJob(runner, ended);
    // The longest words there are for how and when a job ended.
    const longest = jobReasons.toSorted((a, b) => b.length - a.length)[0] ?? "";
    const finishedAt = String(Date.now() - 59.5 * 60_000);
    const jobKey = runner.keys.job(ended);
    await here.harness.redis.send(["HSET", jobKey, "reason", longest, "finished_at", finishedAt]);
    const { id } = await here.served.call("job.run", { runner: runner.id, payload: "x" });
    await runner.take();
    const name = "a key of somebody who gives long names to all keys that others use";
    const { key } = await here.served.call("key.create", { name, scopes: ["jobs:write"] });
    const page = await here.open("/", { key });
    for (const width of [320, 360, 500, 700, 820, 960]) {
      await page.setViewportSize({ width, height: 740 });
      for (const path of ["/", "/jobs"]) {
        await page.goto(here.url + path);
        await page.locator("tr", { hasText: id }).first().waitFor();
        await page
          .locator("tr", { hasText: ended })
          .getByText(/^(59 min|1 h) ago$/)
          .waitFor();
        const field = await page.getByLabel("Open a job by its id").boundingBox();
        expect({ width, path, tooWide: await overflow(page) }).toEqual({ width, path, tooWide: [] });
        expect({ width, path, field: Number(field?.width) >= 90 }).toEqual({ width, path, field: true });
      }
      await here.shot(page, `window-${width}`);
    }
  });
});
