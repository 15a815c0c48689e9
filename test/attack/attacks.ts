/**
 * What somebody can try who can write to Redis: each attack turns a properly signed job into a hash that must not run.
 * `reasons` are the words with which it may be refused; undefined where any ending will do, as long as nothing starts.
 */
import type { Job } from "@herorunner/job";
import { jobBytes, jobBytesV1 } from "@herorunner/job/trust";
import { hashOf, newJob, type Signer, signed, signer } from "./battlefield.ts";

export interface Attack {
  readonly id: string;
  readonly hash: Map<string, string>;
}

interface Recipe {
  readonly name: string;
  readonly reasons: readonly string[] | undefined;
  readonly make: (signers: readonly [Signer, Signer]) => Attack;
}

const mallory = signer("mallory");
const trudy = signer("trudy");
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** A good job, then one thing done to its hash. */
function tampered(change: (hash: Map<string, string>, job: Job) => void): Recipe["make"] {
  return (signers) => {
    const job = signed(newJob(), signers);
    const hash = hashOf(job);
    change(hash, job);
    return { id: job.id, hash };
  };
}

/** A job that is signed as it is, but should not have been. */
function mistaken(changes: () => Partial<Job>, by?: readonly Signer[]): Recipe["make"] {
  return (signers) => {
    const job = signed(newJob(changes()), by ?? signers);
    return { id: job.id, hash: hashOf(job) };
  };
}

function set(field: string, value: string): Recipe["make"] {
  return tampered((hash) => hash.set(field, value));
}

function unset(...fields: string[]): Recipe["make"] {
  return tampered((hash) => {
    for (const field of fields) hash.delete(field);
  });
}

type Wire = { public_key: string; signature: string }[];

function resigned(change: (list: Wire, job: Job) => unknown): Recipe["make"] {
  return tampered((hash, job) => {
    const list = JSON.parse(hash.get("signatures") ?? "[]") as Wire;
    hash.set("signatures", JSON.stringify(change(list, job) ?? list));
  });
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function highS(signature: string): string {
  const s = order - BigInt(`0x${signature.slice(64)}`);
  return signature.slice(0, 64) + s.toString(16).padStart(64, "0");
}

export const recipes: readonly Recipe[] = [
  { name: "no signatures", reasons: ["unsigned"], make: unset("signatures") },
  { name: "an empty list of signatures", reasons: ["unsigned"], make: set("signatures", "[]") },
  { name: "signatures that are no list", reasons: ["malformed"], make: set("signatures", '{"0":{}}') },
  { name: "signatures that are null", reasons: ["malformed"], make: set("signatures", "null") },
  {
    name: "a bare script",
    reasons: ["unsigned"],
    make: () => ({ id: newJob().id, hash: new Map([["payload", "evil bare"]]) }),
  },
  {
    name: "signed by strangers",
    reasons: ["untrusted_signer"],
    make: mistaken(() => ({}), [mallory, trudy]),
  },
  {
    name: "signed by one of two",
    reasons: ["threshold_not_met"],
    make: ([alice]) => mistaken(() => ({}), [alice])([alice, alice]),
  },
  {
    name: "signed by one of two and a stranger",
    reasons: ["threshold_not_met"],
    make: ([alice]) => mistaken(() => ({}), [alice, mallory])([alice, alice]),
  },
  {
    name: "one signature twice",
    reasons: ["threshold_not_met"],
    make: resigned(([first]) => [first, first]),
  },
  {
    name: "a stranger's signature under a trusted key",
    reasons: ["bad_signature"],
    make: resigned(([first, second], job) => [first, { ...second, signature: mallory.sign(jobBytes(job)) }]),
  },
  {
    name: "keys exchanged",
    reasons: ["bad_signature"],
    make: resigned(([a, b]) => [
      { ...a, public_key: b?.public_key },
      { ...b, public_key: a?.public_key },
    ]),
  },
  {
    name: "a high-S twin",
    reasons: ["bad_signature"],
    make: resigned(([a, b]) => [a, { ...b, signature: highS(b?.signature ?? "") }]),
  },
  {
    name: "a signature cut short",
    reasons: ["bad_signature"],
    make: resigned(([a, b]) => [a, { ...b, signature: b?.signature.slice(2) }]),
  },
  {
    name: "a zero signature",
    reasons: ["bad_signature"],
    make: resigned(([a, b]) => [a, { ...b, signature: "0".repeat(128) }]),
  },
  {
    name: "seventeen signatures",
    reasons: ["malformed"],
    make: resigned(([a]) => Array.from({ length: 17 }, () => a)),
  },
  {
    name: "the signatures of another job",
    reasons: ["bad_signature"],
    make: (signers) => {
      const hash = hashOf(signed(newJob(), signers));
      const other = signed(newJob({ payload: "evil borrowed" }), [mallory]);
      return { id: other.id, hash: hashOf(other).set("signatures", hash.get("signatures") ?? "") };
    },
  },
  { name: "another script", reasons: ["bad_signature"], make: set("payload", "evil script") },
  {
    name: "a longer script",
    reasons: ["bad_signature"],
    make: tampered((hash) => hash.set("payload", `${hash.get("payload")}\nevil tail`)),
  },
  { name: "another timeout", reasons: ["bad_signature"], make: set("timeout", "31") },
  { name: "no timeout", reasons: ["malformed"], make: unset("timeout") },
  { name: "another caller", reasons: ["bad_signature"], make: set("caller_id", "root") },
  { name: "no caller", reasons: ["malformed"], make: unset("caller_id") },
  { name: "another context", reasons: ["bad_signature"], make: set("context_id", "other") },
  { name: "an executor added", reasons: ["bad_signature"], make: set("executor", "hero") },
  { name: "another nonce", reasons: ["bad_signature"], make: set("nonce", "0".repeat(32)) },
  {
    name: "a later expiry",
    reasons: ["bad_signature"],
    make: tampered((hash) => hash.set("expires_at", String(nowSeconds() + 7200))),
  },
  {
    name: "a variable added",
    reasons: ["bad_signature"],
    make: set("env_vars", '{"MODE":"calm","X":"evil"}'),
  },
  { name: "a variable changed", reasons: ["bad_signature"], make: set("env_vars", '{"MODE":"evil"}') },
  { name: "variables removed", reasons: ["bad_signature"], make: unset("env_vars") },
  {
    name: "a variable twice",
    reasons: ["malformed"],
    make: set("env_vars", '{"MODE":"evil","MODE":"calm"}'),
  },
  {
    name: "a preloaded library",
    reasons: ["bad_signature", "env_refused"],
    make: set("env_vars", '{"MODE":"calm","LD_PRELOAD":"/tmp/evil.so"}'),
  },
  {
    name: "a signed preloaded library",
    reasons: ["env_refused"],
    make: mistaken(() => ({ envVars: new Map([["LD_PRELOAD", "/tmp/evil.so"]]) })),
  },
  { name: "a field that is not signed", reasons: ["malformed"], make: set("shell", "evil") },
  {
    name: "expired",
    reasons: ["expired"],
    make: mistaken(() => ({ createdAtSeconds: nowSeconds() - 700, expiresAtSeconds: nowSeconds() - 100 })),
  },
  {
    name: "expired and prolonged",
    reasons: ["bad_signature"],
    make: (signers) => {
      const job = signed(
        newJob({ createdAtSeconds: nowSeconds() - 700, expiresAtSeconds: nowSeconds() - 100 }),
        signers,
      );
      return { id: job.id, hash: hashOf(job).set("expires_at", String(nowSeconds() + 600)) };
    },
  },
  {
    name: "from the future",
    reasons: ["not_yet_valid"],
    make: mistaken(() => ({ createdAtSeconds: nowSeconds() + 300 })),
  },
  {
    name: "valid for years",
    reasons: ["malformed"],
    make: mistaken(() => ({ expiresAtSeconds: nowSeconds() + 10 ** 8 })),
  },
  {
    name: "for another audience",
    reasons: ["wrong_audience"],
    make: mistaken(() => ({ audience: "testing" })),
  },
  {
    name: "for another audience, renamed",
    reasons: ["bad_signature"],
    make: (signers) => {
      const job = signed(newJob({ audience: "testing" }), signers);
      return { id: job.id, hash: hashOf(job).set("audience", "default") };
    },
  },
  { name: "for another runner", reasons: ["wrong_runner"], make: mistaken(() => ({ runner: "hero2" })) },
  {
    name: "for another runner, renamed",
    reasons: ["bad_signature"],
    make: (signers) => {
      const job = signed(newJob({ runner: "hero2" }), signers);
      return { id: job.id, hash: hashOf(job).set("runner", "hero1") };
    },
  },
  {
    name: "for another runner, unnamed",
    reasons: ["bad_signature"],
    make: (signers) => {
      const job = signed(newJob({ runner: "hero2" }), signers);
      const hash = hashOf(job);
      hash.delete("runner");
      return { id: job.id, hash };
    },
  },
  {
    name: "a copy under another id",
    reasons: ["malformed"],
    make: (signers) => ({ id: newJob().id, hash: hashOf(signed(newJob(), signers)) }),
  },
  {
    name: "a copy under another id, renamed",
    reasons: ["bad_signature"],
    make: (signers) => {
      const id = newJob().id;
      return { id, hash: hashOf(signed(newJob(), signers)).set("id", id) };
    },
  },
  {
    name: "signatures of version 1",
    reasons: ["malformed", "bad_signature"],
    make: (signers) => {
      const old = newJob({
        audience: "",
        nonce: "",
        createdAtSeconds: undefined,
        expiresAtSeconds: undefined,
      });
      const message = jobBytesV1(old, "kv");
      const signatures = signers.map((one) => ({
        publicKey: one.key.publicKey,
        signature: one.sign(message),
      }));
      return { id: old.id, hash: hashOf({ ...old, signatures }) };
    },
  },
  {
    name: "an unsigned job that claims to be under way",
    reasons: undefined,
    make: tampered((hash) => {
      for (const [field, value] of poison) hash.set(field, value);
      hash.delete("signatures");
      hash.set("payload", "evil poison");
    }),
  },
  {
    name: "an altered job that claims to have been checked",
    reasons: undefined,
    make: tampered((hash) => {
      hash
        .set("payload", "evil checked")
        .set("signers", '["alice","bob"]')
        .set("status", "started")
        .set("started_at", "1");
    }),
  },
];

const poison = [
  ["status", "dispatched"],
  ["token", "0".repeat(32)],
  ["attempt", "-5"],
  ["claims", "-100"],
  ["max_attempts", "10"],
  ["signers", '["alice","bob"]'],
  ["owner", "x"],
] as const;
