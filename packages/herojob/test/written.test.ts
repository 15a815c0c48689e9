/** The process herojob when what it writes cannot be written. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const bin = fileURLToPath(new URL("../bin/herojob.js", import.meta.url));

test("a full disk is told on standard error, with exit code 70", async () => {
  const full = openSync("/dev/full", "w");
  const child = spawn(process.execPath, [bin, "--help"], { stdio: ["ignore", full, "pipe"] });
  closeSync(full);
  const said: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  expect(code).toBe(70);
  expect(Buffer.concat(said).toString()).toMatch(
    /^herojob: standard output cannot be written: ENOSPC: no space left on device/,
  );
});
