import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLoopbackTarget, maskRedisUrl, parseRedisUrl } from "../src/index.ts";

describe("parseRedisUrl", () => {
  const good: readonly (readonly [string, object])[] = [
    [
      "redis://localhost:6379",
      { kind: "single", node: { host: "localhost", port: 6379 }, tls: false, database: 0, credentials: {} },
    ],
    ["redis://", { kind: "single", node: { host: "localhost", port: 6379 } }],
    ["redis://10.0.0.1:7000/3", { node: { host: "10.0.0.1", port: 7000 }, database: 3 }],
    ["redis://[::1]:7000?db=2", { node: { host: "::1", port: 7000 }, database: 2 }],
    ["redis://:p%40ss@h", { credentials: { password: "p@ss" }, node: { host: "h", port: 6379 } }],
    ["redis://u:p:q@h", { credentials: { username: "u", password: "p:q" } }],
    [
      "redis://u:p@ss@h",
      { credentials: { username: "u", password: "p@ss" }, node: { host: "h", port: 6379 } },
    ],
    ["rediss://h", { kind: "single", tls: true }],
    ["unix:///run/redis.sock?db=4", { kind: "unix", path: "/run/redis.sock", database: 4, tls: false }],
    [
      "unix://u:p@/run/my%20redis.sock",
      { kind: "unix", path: "/run/my redis.sock", credentials: { username: "u", password: "p" } },
    ],
    ["unix:///run/a@b.sock", { kind: "unix", path: "/run/a@b.sock" }],
    [
      "redis+sentinel://a,b:26380/main",
      {
        kind: "sentinel",
        sentinels: [
          { host: "a", port: 26379 },
          { host: "b", port: 26380 },
        ],
        master: "main",
        sentinelCredentials: {},
      },
    ],
    [
      "redis+sentinel://:p@a/main?db=1&sentinel_password=s%26t",
      { credentials: { password: "p" }, sentinelCredentials: { password: "s&t" }, database: 1 },
    ],
    [
      "rediss+cluster://u:p@a:1,b:2",
      {
        kind: "cluster",
        tls: true,
        seeds: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
        ],
      },
    ],
  ];
  it.each(good)("reads %s", (url, target) => {
    expect(parseRedisUrl(url)).toMatchObject(target);
  });

  const bad: readonly (readonly [string, RegExp])[] = [
    ["localhost:6379", /must start with/],
    ["http://localhost", /not known/],
    ["redis://a,b", /redis\+sentinel/],
    ["redis://h:0", /not host:port/],
    ["redis://h:65536", /not host:port/],
    ["redis://h/zero", /database number/],
    ["unix://run/redis.sock", /three slashes/],
    ["redis+sentinel://a", /master's name/],
    ["redis://:%zz@h", /%25/],
    ["redis://:a/b@h", /%2F/],
  ];
  it.each(bad)("refuses %s with a sentence", (url, sentence) => {
    expect(() => parseRedisUrl(url)).toThrow(sentence);
    expect(() => parseRedisUrl(url)).toThrow(TypeError);
  });

  it("never shows a password, neither in the URL for logs nor in a complaint", () => {
    const secret = "S3CRET";
    const tricky = fc.string({
      unit: fc.constantFrom("@", "/", "?", ":", "#", "%", "a", ",", "[", " "),
      maxLength: 6,
    });
    const scheme = fc.constantFrom(
      "redis",
      "rediss",
      "unix",
      "redis+sentinel",
      "redis+cluster",
      "http",
      "REDIS",
    );
    fc.assert(
      fc.property(scheme, tricky, tricky, tricky, (scheme, before, after, rest) => {
        const url = `${scheme}://user:${before}${secret}${after}@host${rest}`;
        expect(maskRedisUrl(url)).not.toContain(secret);
        try {
          expect(parseRedisUrl(url).shown).not.toContain(secret);
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
          expect(error.message).not.toContain(secret);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(parseRedisUrl("redis+sentinel://:a@h/m?sentinel_password=S3CRET&db=1").shown).toBe(
      "redis+sentinel://:***@h/m?sentinel_password=***&db=1",
    );
  });
});

describe("isLoopbackTarget", () => {
  it.each([
    ["redis://127.8.9.1", true],
    ["redis://[::1]", true],
    ["redis://localhost", true],
    ["unix:///x.sock", true],
    ["redis://127.0.0.1.example.com", false],
    ["redis://10.0.0.1", false],
    ["redis+sentinel://127.0.0.1/main", false],
    ["redis+cluster://127.0.0.1", false],
  ])("%s: %s", (url, loopback) => {
    expect(isLoopbackTarget(parseRedisUrl(url))).toBe(loopback);
  });
});
