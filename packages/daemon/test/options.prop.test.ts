import fc from "fast-check";
import { expect, test } from "vitest";
import { ownTimeMs } from "../../../test/support/own-time.ts";
import { maskUrlPasswords } from "../src/index.ts";
import { loadSample, serveConfig } from "./support/sample-program.ts";

const word = fc.stringMatching(/^[A-Za-z0-9_.][A-Za-z0-9_. -]{0,20}[A-Za-z0-9]$/);

test("what --print-config prints, read back as a file, is the same configuration", async () => {
  const settings = fc.record({
    SAMPLE_CONCURRENCY: fc.integer({ min: 1, max: 64 }).map(String),
    SAMPLE_GRACE: fc.integer({ min: 0, max: 3_600_000 }).map((ms) => `${ms}ms`),
    SAMPLE_MAX_OUTPUT: fc.nat().map(String),
    SAMPLE_ENV_PASS: fc.array(word, { maxLength: 4 }).map((names) => names.join(",")),
    SAMPLE_TRUST: fc.string({ unit: "grapheme", minLength: 1 }),
    SAMPLE_LISTEN: fc.nat(65_535).map((port) => `localhost:${port}`),
    SAMPLE_LOG_LEVEL: fc.constantFrom("INFO", "debug", "Error"),
  });
  await fc.assert(
    fc.asyncProperty(settings, async (env) => {
      const printed = await loadSample(["r1", "--print-config"], { env });
      const text = printed.kind === "text" ? printed.text : "";
      const { config } = await serveConfig(["r1"], { env });
      const again = await serveConfig(["r1", "--config", "/c.toml"], { files: { "/c.toml": text } });
      expect(again.config).toEqual(config);
    }),
  );
});

test("no command line, environment or file makes it throw", async () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "--",
      "-",
      "--config",
      "/c.toml",
      "--no-",
      "--=",
      "--grace",
      "-c",
      "-bc",
      "verify",
      "--no-burst=1",
      "-r=",
    ),
  );
  const env = fc.dictionary(
    fc.string().map((name) => `SAMPLE_${name}`),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece), env, fc.string(), async (argv, variables, text) => {
      const loaded = await loadSample(argv, { env: variables, files: { "/c.toml": text } });
      expect(["command", "text", "problems"]).toContain(loaded.kind);
    }),
  );
});

test("a password in a URL is never left over, whatever stands around it", () => {
  const password = fc.stringMatching(/^[^\s]{1,12}$/).map((text) => `S3CRET${text}T3RCES`);
  const around = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(around, fc.webUrl(), password, around, (before, url, secret, after) => {
      const withPassword = url.replace("://", `://user:${secret}@`);
      const masked = maskUrlPasswords(`${before}${withPassword}${after}`);
      expect(masked).not.toContain("S3CRET");
      expect(masked).not.toContain("T3RCES");
    }),
  );
});

test("text without a password is left as it is", () => {
  for (const text of [
    "redis://localhost:6379",
    "see http://h/a:b?x=1",
    "a@b.c",
    "unix:///run/redis.sock?db=0",
    "",
  ]) {
    expect(maskUrlPasswords(text)).toBe(text);
  }
  expect(maskUrlPasswords("unix:///s.sock?db=0&password=pw&x=1")).toBe(
    "unix:///s.sock?db=0&password=***&x=1",
  );
});

test("masking takes time in proportion to the text", () => {
  const startedMs = ownTimeMs();
  maskUrlPasswords("a://".repeat(250_000));
  maskUrlPasswords(`${"://:".repeat(250_000)}@`);
  maskUrlPasswords(`x://${"?password=".repeat(100_000)}`);
  expect(ownTimeMs() - startedMs).toBeLessThan(2000);
});
