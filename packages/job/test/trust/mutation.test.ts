/**
 * Nothing of a signed job can be changed. The short form runs with every test; the long form is
 * HERORUNNER_MUTATIONS=1000000 npx vitest run packages/job/test/trust/mutation.test.ts
 */
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeJob, encodeJob } from "../../src/codec.ts";
import type { Job } from "../../src/job.ts";
import { checkSignaturesWith, createTrust, jobBytes, signJob } from "../../src/trust/index.ts";
import { alice, bob, carol, entry, mallory, nowSeconds, plainJob, signedJob, trustOf } from "./fixtures.ts";
import { signatureChecks } from "./signature-checks.ts";

const mutations = Number(process.env["HERORUNNER_MUTATIONS"] ?? 1500);
const trust = createTrust({
  mode: "required",
  runner: "hero1",
  file: trustOf([entry(alice, { max_attempts: 2 }), entry(bob), entry(carol)], { threshold: 2 }),
});

/** What a runner does with a hash: decode, then check. */
function judge(fields: ReadonlyMap<string, Uint8Array>): { accepted: Job } | { refused: string } {
  const decoded = decodeJob(fields, { id: "job-1", runner: "hero1" }, { maxPayloadBytes: 1 << 20 });
  if (!decoded.ok) return { refused: decoded.reason };
  const verdict = trust.check(decoded.job, decoded.unknownFields, nowSeconds * 1000);
  return verdict.ok ? { accepted: decoded.job } : { refused: verdict.reason };
}

function wire(job: Job): Map<string, Uint8Array> {
  return new Map([...encodeJob(job)].map(([name, text]) => [name, Buffer.from(text)]));
}

/** Equal in all that is signed. */
function same(a: Job, b: Job): boolean {
  return jobBytes(a).equals(jobBytes(b));
}

describe.each(await signatureChecks())("a signed job, checked with $name,", ({ check }) => {
  beforeAll(() => checkSignaturesWith(check));

  it(
    `is refused, or means the same, after any single byte of its hash changed (${mutations} times)`,
    async () => {
      const original = await signedJob([alice, bob], { executor: "hero", maxAttempts: 2 });
      const fields = wire(original);
      const names = [...fields.keys()];
      expect(judge(fields)).toHaveProperty("accepted");
      const change = fc.record({
        name: fc.constantFrom(...names),
        at: fc.nat(),
        byte: fc.nat({ max: 255 }),
        how: fc.constantFrom("replace", "insert", "delete"),
      });
      let refused = 0;
      fc.assert(
        fc.property(change, ({ name, at, byte, how }) => {
          const bytes = Buffer.from(fields.get(name) ?? "");
          const place = at % (bytes.byteLength + (how === "insert" ? 1 : 0));
          const tail = bytes.subarray(how === "insert" ? place : place + 1);
          const middle = how === "delete" ? Buffer.alloc(0) : Buffer.from([byte]);
          const changed = Buffer.concat([bytes.subarray(0, place), middle, tail]);
          const verdict = judge(new Map([...fields, [name, changed]]));
          if ("refused" in verdict) refused += 1;
          expect("refused" in verdict || same(verdict.accepted, original)).toBe(true);
        }),
        { numRuns: mutations },
      );
      expect(refused).toBeGreaterThan(mutations / 2);
    },
    Math.max(20_000, mutations * 10),
  );

  it("is refused when any field is set to the value of another job by the same signers", async () => {
    const first = wire(await signedJob([alice, bob], { executor: "hero" }));
    const second = wire(
      await signedJob([alice, bob], {
        executor: "other",
        callerId: "bob",
        contextId: "ctx-8",
        payload: "!!git.list",
        timeoutSeconds: 61,
        envVars: new Map([["A", "2"]]),
        createdAtSeconds: nowSeconds - 9,
        expiresAtSeconds: nowSeconds + 3601,
        nonce: "0".repeat(32),
      }),
    );
    const differing = [...first.keys()].filter((name) => !["id", "runner", "audience"].includes(name));
    expect(differing).toHaveLength(10);
    for (const name of differing) {
      const mixed = new Map([...first, [name, second.get(name) ?? new Uint8Array()]]);
      expect([name, judge(mixed)]).toEqual([name, { refused: "bad_signature" }]);
      const without = new Map([...first].filter(([one]) => one !== name));
      expect([name, "refused" in judge(without)]).toEqual([name, true]);
    }
  });

  it("has bytes of its own: two jobs that differ in anything never sign the same", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 12 });
    const job = fc.record({
      id: text,
      callerId: text,
      contextId: text,
      runner: text,
      executor: text,
      payload: text,
      audience: text,
      nonce: text,
      timeoutSeconds: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
      createdAtSeconds: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
      expiresAtSeconds: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
      envVars: fc.dictionary(text, text, { maxKeys: 3 }).map((env) => new Map(Object.entries(env))),
    });
    fc.assert(
      fc.property(job, job, (a, b) => {
        const differ = JSON.stringify([a, sorted(a.envVars)]) !== JSON.stringify([b, sorted(b.envVars)]);
        expect(same(plainJob(a), plainJob(b))).toBe(!differ);
      }),
      { numRuns: 500 },
    );
  });

  it("cannot borrow the signature of another, nor count a stranger", async () => {
    const job = await signJob(await signJob(plainJob(), alice, { nowSeconds }), mallory, { nowSeconds });
    expect(judge(wire(job))).toEqual({ refused: "threshold_not_met" });
    const [first, second] = job.signatures;
    const renamed = { ...job, signatures: [first!, { ...second!, publicKey: bob.publicKey }] };
    expect(judge(wire(renamed))).toEqual({ refused: "bad_signature" });
    const twice = { ...job, signatures: [first!, first!, first!] };
    expect(judge(wire(twice))).toEqual({ refused: "threshold_not_met" });
  });
});

function sorted(env: ReadonlyMap<string, string>): unknown {
  return [...env].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
