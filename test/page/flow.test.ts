/** The way a newcomer goes, with a real runner: submit a script, learn why it failed, stop one that runs. */
import { expect, it } from "vitest";
import { startHerorunner } from "../support/herorunner.ts";
import { site } from "./support/site.ts";

const here = site();

it("tells why a job failed and stops a running one", async () => {
  await here.served.call("runner.register", { id: "real" });
  await startHerorunner(["-r", here.harness.server.url, "real"]);
  const page = await here.open("/submit?runner=real");
  await page.getByLabel("Script").fill('print("halfway")\nfail("disk is full")\n');
  await page.getByText("The syntax is in order.").waitFor();
  await page.getByRole("button", { name: "Run it" }).click();
  await page.getByRole("heading", { name: "Why it failed" }).waitFor();
  await page.locator(".why-tail", { hasText: "disk is full" }).waitFor();
  await page.locator(".lr.out", { hasText: "halfway" }).waitFor();
  await page.locator(".lr.err", { hasText: "disk is full" }).first().waitFor();

  await page.getByRole("link", { name: "Submit" }).click();
  await page.getByLabel("Script").fill('print("here we go")\nwhile (true) {}\n');
  await page.getByRole("button", { name: "Run it" }).click();
  await page.locator(".job-head .state-started").waitFor();
  await page.locator(".lr.out", { hasText: "here we go" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Yes, cancel it" }).click();
  await page.locator(".job-head .state-error", { hasText: "cancelled" }).waitFor();
  await page.getByText(/Ending: .* gone/).waitFor();
  await here.shot(page, "cancelled");
  expect(await page.getByRole("button", { name: "Cancel" }).count()).toBe(0);
});
