import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseTrustFile, publicTestKeys, trustWarnings } from "../../src/trust/index.ts";
import { alice, bob, entry, nowSeconds, trustOf } from "./fixtures.ts";

function problems(file: unknown): string {
  const parsed = parseTrustFile(typeof file === "string" ? file : JSON.stringify(file));
  return parsed.ok ? "accepted" : parsed.problems.join("\n");
}

const signers = [entry(alice)];

describe("parseTrustFile", () => {
  it("takes a list of signers and fills in the rest", () => {
    expect(trustOf([{ ...entry(alice), public_key: alice.publicKey.toUpperCase() }])).toEqual({
      audience: "default",
      threshold: 1,
      maxWindowSeconds: 86_400,
      maxSkewSeconds: 60,
      signers: [
        {
          name: "alice",
          publicKey: alice.publicKey,
          notBeforeSeconds: undefined,
          notAfterSeconds: undefined,
          callers: undefined,
          contexts: undefined,
          runners: undefined,
          actions: undefined,
          envUnsafe: false,
          maxAttempts: 1,
        },
      ],
    });
  });

  it.each([
    ["an empty file", "", "the file is empty"],
    ["no JSON", "signers: []", "not valid JSON"],
    ["a list", [], "must hold one JSON object"],
    ["no signers", {}, "signers is missing"],
    ["an empty list of signers", { signers: [] }, "signers is empty"],
    ["signers as an object", { signers: {} }, "signers is missing or not a list"],
    [
      "a misspelt member",
      { signers, treshold: 2 },
      '"treshold" is not known here; known are audience, threshold',
    ],
    [
      "a misspelt member of a signer",
      { signers: [entry(alice, { caller: ["x"] })] },
      'signers[0]."caller" is not known',
    ],
    ["a member that stands twice", '{"signers":[],"signers":[]}', "stands twice"],
    ["threshold 0", { signers, threshold: 0 }, "threshold must be a whole number from 1"],
    ["a threshold nobody can meet", { signers, threshold: 2 }, "only 1 different signers"],
    ["a negative skew", { signers, max_skew_s: -1 }, "max_skew_s must be"],
    ["a window of nothing", { signers, max_window_s: 0 }, "max_window_s must be"],
    ["a number as text", { signers, threshold: "1" }, "threshold must be"],
    ["an audience with a space", { signers, audience: "a b" }, "audience must be"],
    ["a signer without a name", { signers: [{ public_key: alice.publicKey }] }, "signers[0].name is missing"],
    ["a signer without a key", { signers: [{ name: "alice" }] }, "signers[0].public_key is missing"],
    [
      "half a key",
      { signers: [{ name: "a", public_key: alice.publicKey.slice(2) }] },
      "not a point of secp256k1",
    ],
    [
      "a key off the curve",
      { signers: [{ name: "a", public_key: `02${"0".repeat(63)}5` }] },
      "not a point of secp256k1",
    ],
    [
      "one key twice",
      { signers: [entry(alice), { ...entry(alice), name: "bob" }] },
      "is the key of signers[0] again",
    ],
    ["a list that allows nothing", { signers: [entry(alice, { callers: [] })] }, "would allow nothing"],
    ["a star in the middle", { signers: [entry(alice, { runners: ["a*b"] })] }, "with * at the end only"],
    [
      "an action in capitals",
      { signers: [entry(alice, { actions: ["Git.*"] })] },
      "write actor.action or actor.* in lower case",
    ],
    [
      "an actor without an action, which would match nothing",
      { signers: [entry(alice, { actions: ["git"] })] },
      "write actor.action or actor.*",
    ],
    [
      "an action with a space",
      { signers: [entry(alice, { actions: ["git list"] })] },
      "with * at the end only",
    ],
    [
      "env_unsafe as text",
      { signers: [entry(alice, { env_unsafe: "no" })] },
      "env_unsafe must be true or false",
    ],
    ["eleven attempts", { signers: [entry(alice, { max_attempts: 11 })] }, "from 1 to 10"],
    [
      "dates the wrong way round",
      { signers: [entry(alice, { not_before: 2, not_after: 1 })] },
      "would never count",
    ],
  ])("refuses %s", (_name, file, sentence) => {
    expect(problems(file)).toContain(sentence);
  });

  it("tells all problems at once, and each by the member that has it", () => {
    const text = problems({
      threshold: 0,
      colour: 1,
      signers: [{ name: "a b" }, entry(bob, { callers: "x" })],
    });
    expect(text.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "threshold",
      "signers[0].name",
      "signers[0].public_key",
      "signers[1].callers",
      '"colour"',
    ]);
  });

  it("takes the example of docs/security.md, which uses or explains every member", () => {
    const text = readFileSync(new URL("../../../../docs/security.md", import.meta.url), "utf8");
    const example = /```json\n([^`]*)```/.exec(text)?.[1] ?? "";
    expect(problems(example.replace("02…", alice.publicKey))).toBe("accepted");
    const unknown = problems({ signers: [{ ...entry(alice), x: 1 }], x: 1 });
    const members = [...unknown.matchAll(/known are (.*)/g)].flatMap(([, list = ""]) => list.split(", "));
    expect(members).toHaveLength(15);
    const missing = members.filter((name) => !new RegExp(`\\b${name}\``).test(text));
    expect(missing).toEqual([]);
  });

  it("takes every form of pattern that docs/security.md names", () => {
    const actions = ["*", "git.*", "git.list", "git.cl*"];
    expect(problems({ signers: [entry(alice, { actions, callers: ["*", "team-*", "bob"] })] })).toBe(
      "accepted",
    );
  });
});

describe("trustWarnings", () => {
  it("shouts about public test keys", () => {
    const [publicKey] = publicTestKeys.keys();
    const trust = trustOf([{ name: "alice", public_key: publicKey }]);
    expect(trustWarnings(trust, nowSeconds)[0]).toContain("public test key");
  });

  it("speaks up a month before a key ends, when it has ended, and when too few are left", () => {
    const ending = (notAfter: number): readonly string[] =>
      trustWarnings(trustOf([entry(alice, { not_after: notAfter })]), nowSeconds);
    expect(ending(nowSeconds + 31 * 86_400)).toEqual([]);
    expect(ending(nowSeconds + 5 * 86_400)).toEqual([expect.stringContaining("ends in 5 days")]);
    expect(ending(nowSeconds - 1)).toEqual([
      expect.stringContaining("has ended"),
      expect.stringContaining("too few keys"),
    ]);
    expect(ending(nowSeconds + 60)).toEqual([expect.stringContaining("ends in less than a day")]);
  });

  it("asks for no successor where there is one, of the same person and without a gap", () => {
    const end = nowSeconds + 3_600;
    const beside = (successor: Record<string, unknown>): readonly string[] =>
      trustWarnings(trustOf([entry(alice, { not_after: end }), successor]), nowSeconds);
    expect(beside({ ...entry(bob), name: "alice" })).toEqual([]);
    expect(beside({ ...entry(bob), name: "alice", not_before: end })).toEqual([]);
    const asked = [expect.stringContaining("add its successor")];
    expect(beside(entry(bob))).toEqual(asked);
    expect(beside({ ...entry(bob), name: "alice", not_before: end + 1 })).toEqual(asked);
  });
});
