import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RecordingLogger } from "@herorunner/runner/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../test/support/until.ts";
import { keepRegistered } from "../src/register.ts";

const pauses = { afterSuccessMs: 5, afterFailureMs: 5 };

let folder: string;
let keyFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "register-"));
  keyFile = join(folder, "key");
  writeFileSync(keyFile, "first\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A supervisor that knows one key at a time, and a runner that registers with it. */
async function setUp() {
  const supervisor = { key: "first", asked: 0 };
  const server = createServer((request, response) => {
    supervisor.asked += 1;
    const knows = request.headers.authorization === `Bearer ${supervisor.key}`;
    response.statusCode = knows ? 200 : 401;
    response.end(JSON.stringify(knows ? { jsonrpc: "2.0", result: {}, id: 1 } : { error: {} }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ending = new AbortController();
  const logger = new RecordingLogger();
  keepRegistered({
    supervisorUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ keyFile, runnerId: "web-1", host: "a-host", logger, signal: ending.signal, pauses },
  });
  return {
    supervisor,
    logger,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("a runner with --supervisor", () => {
  test("says once that it is registered, however often it registers again", async () => {
    await using runner = await setUp();
    await until(() => runner.supervisor.asked > 3, "it has registered more than once");
    expect(runner.logger.lines.map(({ message }) => message)).toEqual(["registered with the supervisor"]);
  });

  test("says once that its key is not known any more, and goes on with the one that its file holds by then", async () => {
    await using runner = await setUp();
    await until(() => runner.logger.lines.length === 1, "it is registered");
    runner.supervisor.key = "second";
    await until(() => runner.logger.lines.length === 2, "it is refused");
    writeFileSync(keyFile, "second\n");
    await until(() => runner.logger.lines.length === 3, "it is registered again");
    expect(runner.logger.lines.map(({ message }) => message)).toEqual([
      "registered with the supervisor",
      expect.stringContaining("it does not know our key; name one of scope admin with --supervisor-key-file"),
      "registered with the supervisor",
    ]);
  });

  test("does not start when the file of its key is not there", () => {
    const options = { supervisorUrl: "http://127.0.0.1:1", runnerId: "web-1", host: "a-host" };
    const none = { keyFile: join(folder, "none"), signal: AbortSignal.abort() };
    expect(() => keepRegistered({ ...options, ...none, logger: new RecordingLogger() })).toThrow(
      /--supervisor-key-file .*none cannot be read/,
    );
  });
});
