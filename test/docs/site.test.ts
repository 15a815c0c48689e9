/** The site that `npm run site` makes, in a browser, from files: pages open, links lead on, search finds, nothing is fetched. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildSite } from "../../scripts/site/build.mjs";
import { launchChromium } from "../page/support/chromium.ts";
import { overflow } from "../page/support/site.ts";
import { repositoryRoot } from "../support/built.ts";

const folder = mkdtempSync(join(tmpdir(), "herorunner-site-"));
const shots = join(repositoryRoot, "test-output", "site");
let browser: Browser;
let complaints: string[] = [];

beforeAll(async () => {
  mkdirSync(shots, { recursive: true });
  [browser] = await Promise.all([launchChromium(), buildSite(repositoryRoot, folder)]);
}, 300_000);
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  const heard = complaints;
  complaints = [];
  if (heard.length > 0) throw new Error(`the browser complained:\n${heard.join("\n")}`);
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(pathToFileURL(join(folder, url)).href);
  return page;
}

/** Clicks a link and waits until its page is there. */
async function follow(link: Locator): Promise<void> {
  const page = link.page();
  const { href } = new URL((await link.getAttribute("href")) ?? "", page.url());
  await link.click();
  await page.waitForURL(href);
}

const builtPages = (): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));

test("every link of every page leads to a file, and to a place in it", () => {
  const texts = new Map(
    builtPages().map((name) => [join(folder, name), readFileSync(join(folder, name), "utf8")]),
  );
  const faults: string[] = [];
  for (const [file, html] of texts) {
    for (const [, href = ""] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
      if (/^(https?|data|mailto):/.test(href)) continue;
      const [path = "", anchor] = href.split("#");
      const target = path === "" ? file : join(dirname(file), decodeURI(path));
      if (!existsSync(target)) faults.push(`${file}: ${href}`);
      else if (anchor !== undefined && !texts.get(target)?.includes(`id="${anchor}"`))
        faults.push(`${file}: ${href}`);
    }
  }
  expect(texts.size).toBeGreaterThan(40);
  expect(faults).toEqual([]);
});

test("pages open in light, in dark and on a phone, and are no wider than the window", async () => {
  const ways: Readonly<Record<string, BrowserContextOptions>> = {
    light: { colorScheme: "light" },
    dark: { colorScheme: "dark" },
    phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  };
  for (const [name, options] of Object.entries(ways)) {
    const page = await open("index.html", options);
    for (const url of [
      "index.html",
      "recovery.html",
      "protocol.html",
      "overview.html",
      "configuration.html",
    ]) {
      await page.goto(pathToFileURL(join(folder, url)).href);
      expect(await page.locator("h1").first().innerText()).not.toBe("");
      expect(await overflow(page), `${url} ${name}`).toEqual([]);
      await page.screenshot({ path: join(shots, `${url.replace(".html", "")}-${name}.png`) });
    }
    await page.context().close();
  }
});

test("questions lead through the whole, page after page", async () => {
  const page = await open("index.html");
  await follow(page.locator("nav").getByRole("link", { name: "Why did my job fail?" }));
  expect(await page.locator("h1").innerText()).toContain("Why a job ended as error");
  expect(await page.locator("nav [aria-current=page]").innerText()).toBe("Why did my job fail?");
  await page.goto(pathToFileURL(join(folder, "index.html")).href);
  const seen = new Set<string>();
  while ((await page.locator("footer [rel=next]").count()) > 0) {
    await follow(page.locator("footer [rel=next]"));
    seen.add(fileURLToPath(page.url()).split("/").at(-1) ?? "");
  }
  const pages = readdirSync(join(repositoryRoot, "docs")).filter((name) => /^[a-z].*\.md$/.test(name));
  expect([...seen].filter((name) => pages.includes(name.replace(".html", ".md"))).length).toBe(pages.length);
  await follow(page.locator("footer [rel=prev]"));
});

describe("search", () => {
  test("finds timeout where it is explained", async () => {
    const page = await open("overview.html");
    await page.keyboard.press("/");
    await page.keyboard.type("timeout");
    const first = page.locator("#found a").first();
    await first.waitFor();
    await expect.poll(() => first.locator("b").innerText()).toBe("Why a job ended as error › timeout");
    await page.screenshot({ path: join(shots, "search.png") });
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/errors\.html#timeout$/);
    expect(await page.locator("#timeout").isVisible()).toBe(true);
  });

  test("says when there is nothing, and closes with Escape", async () => {
    const page = await open("adr/0001-packages.html");
    await page.getByRole("searchbox").fill("<img src=x> xyzzy");
    await page.getByText("nothing found").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#found").waitFor({ state: "hidden" });
  });

  test("narrows with each word", async () => {
    const page = await open("index.html");
    const count = async (words: string): Promise<number> => {
      await page.getByRole("searchbox").fill(words);
      await page.locator("#found p", { hasText: /^\d+ places?$/ }).waitFor();
      return parseInt(await page.locator("#found p").innerText());
    };
    expect(await count("trust file sighup")).toBeLessThan(await count("trust file"));
  });
});

test("the keyboard reaches the text first, then what is wide", async () => {
  const page = await open("errors.html");
  await page.keyboard.press("Tab");
  expect(await page.locator(":focus").innerText()).toBe("To the text");
  await page.keyboard.press("Enter");
  await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("content");
});
