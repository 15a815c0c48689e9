/** Debian's Chromium, driven through playwright-core. Installed when it is missing and may be; else one clear sentence. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const executablePath = process.env["HERORUNNER_CHROMIUM"] ?? "/usr/bin/chromium";
const args = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** The caller closes it. */
export async function launchChromium(): Promise<Browser> {
  if (!existsSync(executablePath)) install();
  return chromium.launch({ executablePath, args, timeout: 240_000 });
}

function install(): void {
  const sentence = `the tests of the page need Chromium at ${executablePath}: apt-get install chromium, or name another with HERORUNNER_CHROMIUM`;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) throw new Error(sentence);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const command of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
    spawnSync("apt-get", ["-qq", ...command], { env, stdio: "ignore", timeout: 240_000 });
  }
  if (!existsSync(executablePath)) throw new Error(sentence);
}
