import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { isDeadNeighbour, ownIdentity, parseOwner, startTimeOf } from "../src/identity.ts";

test("an owner word tells host, boot, PID namespace, pid and start time, and reads back", () => {
  const own = ownIdentity("web-7");
  const { owner, ...facts } = own;
  expect(parseOwner(owner)).toEqual(facts);
  expect(own).toMatchObject({ host: "web-7", pid: process.pid, startTime: startTimeOf(process.pid) });
  expect(own.startTime).toMatch(/^[1-9]\d*$/);
});

test("two processes, and two starts of one, never share an owner word", () => {
  expect(ownIdentity("h").owner).not.toBe(ownIdentity("h").owner);
});

test.each(["", "a:b:c", "h:b:n:notapid:1:r", "h:b:n:1:2:r:more"])("%j is no owner word", (text) => {
  expect(parseOwner(text)).toBeUndefined();
});

test("a process that has ended is a dead neighbour; one that lives is none", async () => {
  const own = ownIdentity(undefined);
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const word = [own.host, own.bootId, own.pidNamespace, child.pid, startTimeOf(child.pid!), "aa"].join(":");
  expect(isDeadNeighbour(word, own)).toBe(false);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isDeadNeighbour(word, own)).toBe(true);
});

test("a pid that is in use again does not pass for its old owner", () => {
  const own = ownIdentity(undefined);
  const earlier = [own.host, own.bootId, own.pidNamespace, own.pid, "1", "aa"].join(":");
  expect(isDeadNeighbour(earlier, own)).toBe(true);
});

test.each([
  ["another host", { host: "other" }],
  ["another boot", { bootId: "other" }],
  ["another PID namespace", { pidNamespace: "1" }],
])("nothing is known about a process of %s", (_what, change) => {
  const own = ownIdentity(undefined);
  const facts = { ...own, ...change };
  const word = [facts.host, facts.bootId, facts.pidNamespace, 999_999_999, "1", "aa"].join(":");
  expect(isDeadNeighbour(word, own)).toBe(false);
});
