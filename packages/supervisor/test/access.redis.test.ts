/** Who may do what: secrets, keys, scopes, sessions of the page, and what a guesser gets. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseSecret, secretProblems } from "../src/auth/admin-secret.ts";
import { FailedLogins } from "../src/auth/failed-logins.ts";
import { mayUse, type Scope } from "../src/auth/principal.ts";
import { table } from "../src/rpc/methods.ts";
import { adminSecret, type Harness, type Served, startHarness } from "./support/harness.ts";

let harness: Harness;
let one: Served;
let other: Served;

beforeAll(async () => {
  harness = await startHarness();
  [one, other] = await Promise.all([harness.serve(), harness.serve()]);
});
afterAll(() => harness.stop());

const list = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "runner.list" });

async function makeKey(...scopes: Scope[]): Promise<{ readonly id: string; readonly key: string }> {
  return one.call("key.create", { name: "test", scopes });
}

describe("keys", () => {
  it("are shown once, and nothing in Redis gives them away", async () => {
    const { id, key } = await makeKey("jobs:read");
    expect(key).toMatch(/^hk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
    const { keys } = await other.call("key.list", {});
    expect(keys).toContainEqual(expect.objectContaining({ id, name: "test", scopes: ["jobs:read"] }));
    const dump = String(await harness.redis.send(["HGETALL", "hero:keys"]));
    expect(dump).toContain(id);
    for (const secret of [key, key.slice(16)]) {
      expect(dump).not.toContain(secret);
      expect(JSON.stringify(keys)).not.toContain(secret);
      expect(one.log() + other.log()).not.toContain(secret);
    }
  });

  it("work with every supervisor at once, and are refused by each once they are revoked", async () => {
    const { id, key } = await makeKey("jobs:read");
    await one.call("runner.list", {}, key);
    await other.call("runner.list", {}, key);
    expect(await one.call("key.revoke", { id })).toEqual({ revoked: true });
    expect(await one.call("key.revoke", { id })).toEqual({ revoked: false });
    for (const supervisor of [one, other]) {
      expect(await supervisor.fail("runner.list", {}, key)).toMatchObject({ code: -32001 });
    }
  });

  it("say when they were used last", async () => {
    const { id, key } = await makeKey("jobs:read");
    const used = async () =>
      (await one.call("key.list", {})).keys.find((each) => each.id === id)?.last_used_at;
    expect(await used()).toBeUndefined();
    await one.call("runner.list", {}, key);
    expect(Math.abs(Date.now() - (await used())!)).toBeLessThan(60_000);
  });

  it.each(["jobs:read", "jobs:write", "admin"] as const)("with %s reach exactly that far", async (scope) => {
    const { key } = await makeKey(scope);
    for (const [name, method] of Object.entries(table())) {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: name, params: { nonsense: 1 } });
      const { status, body: answer } = await one.post(body, { Authorization: `Bearer ${key}` });
      // A call that is let through fails for its parameters, before it does anything.
      const allowed = mayUse({ name: "x", scopes: [scope] }, method.scope);
      expect([name, status, answer.error?.code]).toEqual([
        name,
        allowed ? 200 : 403,
        allowed ? -32602 : -32003,
      ]);
    }
  });

  it("reach as far as this table says", () => {
    const reach = (own: Scope) =>
      (["admin", "jobs:write", "jobs:read"] as const).filter((scope) =>
        mayUse({ name: "", scopes: [own] }, scope),
      );
    expect(reach("admin")).toEqual(["admin", "jobs:write", "jobs:read"]);
    expect(reach("jobs:write")).toEqual(["jobs:write", "jobs:read"]);
    expect(reach("jobs:read")).toEqual(["jobs:read"]);
    expect(mayUse({ name: "", scopes: [] }, "jobs:read")).toBe(false);
  });
});

describe("a wrong key", () => {
  it("gets one answer, whether it is unknown, revoked, malformed or nearly right", async () => {
    const { id, key } = await makeKey("admin");
    await one.call("key.revoke", { id });
    const guesses = [
      key,
      `hk_000000000000_${"a".repeat(43)}`,
      "hk_",
      adminSecret.slice(1),
      `${adminSecret}x`,
      "\u00fcberraschung",
      "x".repeat(5000),
    ];
    const answers = new Set<string>();
    const fresh = await harness.serve();
    for (const guess of guesses) {
      const authorization = Buffer.from(`Bearer ${guess}`).toString("latin1");
      const { status, headers, body } = await fresh.post(list, { Authorization: authorization });
      expect(headers.get("www-authenticate")).toContain("Bearer");
      answers.add(`${status} ${JSON.stringify(body)}`);
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toContain("401");
  });

  it("given a thousand times gets 429 from the eleventh on, and costs a bounded amount of memory", async () => {
    const fresh = await harness.serve();
    const statuses: number[] = [];
    for (let n = 0; n < 1000; n += 1) {
      const { status, headers } = await fresh.post(list, { Authorization: `Bearer guess-${n}` });
      statuses.push(status);
      if (status === 429) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
    expect(new Set(statuses.slice(10))).toEqual(new Set([429]));
    // Even the right one is not looked at: else a guesser would learn when it is right.
    expect((await fresh.post(list)).status).toBe(429);
    expect((await fresh.get("/healthz")).status).toBe(200);
  });

  it("is forgiven after a minute, and only so many addresses are remembered", () => {
    let nowMs = 0;
    const failures = new FailedLogins({ nowMs: () => nowMs, allowed: 2, maxAddresses: 100 });
    failures.failed("a");
    expect(failures.waitMs("a")).toBe(0);
    failures.failed("a");
    expect(failures.waitMs("a")).toBe(60_000);
    expect(failures.waitMs("b")).toBe(0);
    nowMs = 59_999;
    expect(failures.waitMs("a")).toBe(1);
    nowMs = 60_000;
    expect(failures.waitMs("a")).toBe(0);
    for (let n = 0; n < 1_000; n += 1) failures.failed(`address-${n}`);
    expect(failures.size).toBe(100);
  });

  it("or none is 401 before the body is read; none is not a guess", async () => {
    const fresh = await harness.serve();
    for (let n = 0; n < 15; n += 1) {
      const response = await fetch(`${fresh.url}/rpc`, { method: "POST", body: "{" });
      expect(response.status).toBe(401);
    }
    expect((await fresh.post(list)).status).toBe(200);
  });
});

describe("a session of the page", () => {
  async function login(served: Served, key = adminSecret): Promise<{ cookie: string; header: string }> {
    const response = await fetch(`${served.url}/session`, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}` },
    });
    expect(response.status).toBe(200);
    const header = response.headers.get("set-cookie") ?? "";
    return { cookie: header.split(";", 1).join(""), header };
  }
  const call = (served: Served, cookie: string, headers: Record<string, string>) =>
    fetch(`${served.url}/rpc`, {
      method: "POST",
      body: list,
      headers: { Cookie: cookie, "Content-Type": "application/json", ...headers },
    });

  it("is a cookie that no script can read and no other site can send, and Redis holds only its hash", async () => {
    const { cookie, header } = await login(one);
    expect(header).toMatch(
      /^herosupervisor=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    const keys = String(await harness.redis.send(["KEYS", "hero:session:*"]));
    expect(keys).not.toContain(cookie.split("=")[1]);
    const behindTls = await harness.serve({ tlsProxy: true });
    expect((await login(behindTls)).header).toMatch(/^__Host-herosupervisor=.*; Secure$/);
  });

  it("works on every supervisor, reads by itself, and changes things for our own page only", async () => {
    const { cookie } = await login(one);
    const who = await fetch(`${other.url}/session`, { headers: { Cookie: cookie } });
    expect(await who.json()).toEqual({ name: "admin", scopes: ["admin", "jobs:write", "jobs:read"] });
    expect((await call(other, cookie, { Origin: other.url })).status).toBe(200);
    expect((await call(other, cookie, { "Sec-Fetch-Site": "same-origin" })).status).toBe(200);
    expect((await call(other, cookie, {})).status).toBe(403);
    expect((await call(other, cookie, { Origin: "http://evil.example" })).status).toBe(403);
  });

  it("ends when it is closed, when its key is revoked, and with another admin secret", async () => {
    const { cookie } = await login(one);
    const closed = await fetch(`${one.url}/session`, {
      method: "DELETE",
      headers: { Cookie: cookie, Origin: one.url },
    });
    expect([closed.status, closed.headers.get("set-cookie")]).toEqual([
      204,
      expect.stringContaining("Max-Age=0"),
    ]);
    expect((await call(one, cookie, { Origin: one.url })).status).toBe(401);

    const { id, key } = await makeKey("jobs:read");
    const { cookie: ofKey } = await login(one, key);
    expect((await call(one, ofKey, { Origin: one.url })).status).toBe(200);
    await other.call("key.revoke", { id });
    expect((await call(one, ofKey, { Origin: one.url })).status).toBe(401);

    const { cookie: ofAdmin } = await login(one);
    const renamed = await harness.serve({ adminSecret: "another admin secret" });
    expect((await call(renamed, ofAdmin, { Origin: renamed.url })).status).toBe(401);
  });

  it("has no more scopes than its key", async () => {
    const { key } = await makeKey("jobs:read");
    const { cookie } = await login(one, key);
    const response = await fetch(`${one.url}/rpc`, {
      method: "POST",
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "key.list" }),
      headers: { Cookie: cookie, "Content-Type": "application/json", Origin: one.url },
    });
    expect(response.status).toBe(403);
  });
});

describe("the admin secret", () => {
  it("is required beyond loopback, and must not be a word that everybody tries", () => {
    for (const host of ["127.0.0.1", "127.8.8.8", "localhost", "::1"]) {
      expect(secretProblems(undefined, host)).toEqual([]);
      expect(secretProblems("secret", host)).toEqual([]);
    }
    for (const host of ["0.0.0.0", "::", "192.168.1.5", "supervisor.example"]) {
      expect(secretProblems(undefined, host)).toHaveLength(1);
      expect(secretProblems("secret", host)).toHaveLength(1);
      expect(secretProblems("SECRET", host)).toHaveLength(1);
      expect(secretProblems("k3Lm9-qPz7-Rt5w", host)).toEqual([]);
    }
  });

  it("is made up where none is needed, anew each time", () => {
    const [a, b] = [chooseSecret(undefined), chooseSecret(undefined)];
    expect(a).toMatchObject({ madeUp: true, warnings: [] });
    expect(a.secret).toMatch(/^[A-Za-z0-9_-]{32}$/);
    expect(a.secret).not.toBe(b.secret);
    expect(chooseSecret("secret").warnings).toHaveLength(1);
    expect(chooseSecret("a long enough secret")).toEqual({
      ...{ secret: "a long enough secret", madeUp: false, warnings: [] },
    });
  });
});
