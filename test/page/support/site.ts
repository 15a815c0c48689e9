/** A supervisor on a private Redis with a browser in front of it, and what went wrong in the browser meanwhile. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import {
  adminSecret,
  type Harness,
  type Served,
  type StandIn,
  startHarness,
} from "../../../packages/supervisor/test/support/harness.ts";
import { launchChromium } from "./chromium.ts";

const screenshots = join(import.meta.dirname, "..", "..", "..", "test-output", "page");

export interface Site {
  readonly harness: Harness;
  readonly served: Served;
  readonly url: string;
  /** A page of its own session, signed in with this key, at this address of the supervisor, or of another one. */
  open(
    path: string,
    options?: BrowserContextOptions & { readonly key?: string; readonly at?: string },
  ): Promise<Page>;
  /** What the open pages complained about was meant, also what they had not told yet: it closes them. */
  forgive(): Promise<void>;
  /** A runner that does what the test says, registered and alive. */
  runner(): Promise<StandIn>;
  shot(page: Page, name: string): Promise<void>;
}

/** To be called at the top of a file. A test fails when the browser refused or reported anything. */
export function site(): Site {
  let harness: Harness;
  let served: Served;
  let browser: Browser;
  let complaints: string[] = [];
  const closePages = async () => {
    for (const context of browser.contexts()) await context.close();
  };
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    [browser, harness] = await Promise.all([launchChromium(), startHarness()]);
    served = await harness.serve();
  }, 300_000);
  afterEach(async () => {
    await closePages();
    const heard = complaints;
    complaints = [];
    expect(heard).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await harness?.stop();
  });
  return {
    get harness() {
      return harness;
    },
    get served() {
      return served;
    },
    get url() {
      return served.url;
    },
    open: async (path, { key = adminSecret, at, ...options } = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(40_000);
      const url = at ?? served.url;
      listen(page, url, (sentence) => complaints.push(sentence));
      await page.goto(url + path);
      await page.getByLabel("API key or admin secret").fill(key);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.locator("#live[data-state=live]").waitFor();
      return page;
    },
    forgive: async () => {
      await closePages();
      complaints = [];
    },
    runner: async () => {
      const runner = harness.runner();
      await served.call("runner.register", { id: runner.id });
      await runner.appear();
      return runner;
    },
    shot: async (page, name) => {
      await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
    },
  };
}

/** Not a complaint: that nobody is signed in yet, and connections that a test cuts. */
const expected =
  /401 \(Unauthorized\)|ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_FAILED/;

function listen(page: Page, origin: string, complain: (sentence: string) => void): void {
  page.on("pageerror", (error) => complain(`${error.name}: ${error.message}`));
  page.on("dialog", (dialog) => {
    complain(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (message.type() === "error" && !expected.test(message.text())) complain(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`)) complain(`asked for ${request.url()}`);
  });
}

/** What makes the page wider than the window: nothing, or the elements that reach beyond it. */
export async function overflow(page: Page): Promise<readonly string[]> {
  const told = await page.evaluate(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const reaches = (element) => element.getBoundingClientRect().right > clientWidth;
    const told = ({ tagName, className, textContent }) => tagName + "." + className + " " + textContent.slice(0, 80);
    return [scrollWidth - clientWidth + " px", ...[...document.querySelectorAll("body *")].filter(reaches).map(told)];
  })()`);
  return told as readonly string[]; // what the script above returns
}
