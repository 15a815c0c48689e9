import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientFields, failed, finished, systemFields, viewJob, wireView } from "../src/index.ts";
import { encodeOutcome } from "../src/record.ts";

const key = { id: "42", runner: "r" };
const view = (fields: Record<string, string | Uint8Array>) =>
  viewJob(new Map(Object.entries(fields).map(([name, value]) => [name, Buffer.from(value)])), key);

describe("viewJob", () => {
  it("shows a job of which nothing is known but its payload as queued", () => {
    expect(view({ payload: "x" })).toEqual({
      ...{ id: "42", runner: "r", status: "queued", attempt: 0, timeoutSeconds: 60, maxAttempts: 1 },
      ...{ envNames: [], payload: "x" },
    });
  });

  it("shows names of environment variables and never their values", () => {
    const shown = view({ payload: "x", env_vars: '{"TOKEN":"secret-value"}' });
    expect(shown.envNames).toEqual(["TOKEN"]);
    expect(JSON.stringify(shown)).not.toContain("secret-value");
  });

  it("leaves out what a client wrote as nonsense", () => {
    const shown = view({
      ...{
        payload: "x",
        status: "sleeping",
        reason: "because",
        exit_code: "-1",
        attempt: "many",
        timeout: "0",
      },
      ...{
        max_attempts: "99",
        started_at: "yesterday",
        signers: '{"a":1}',
        env_vars: "[",
        duration_ms: "1e9",
      },
    });
    expect(shown).toEqual({ ...view({ payload: "x" }), maxAttempts: 10 });
  });

  it("never throws, whatever the hash holds", () => {
    const names = fc.oneof(fc.constantFrom(...clientFields, ...systemFields), fc.string());
    const entries = fc.array(fc.tuple(names, fc.uint8Array({ maxLength: 50 })));
    fc.assert(
      fc.property(entries, (entries) => {
        const shown = viewJob(new Map(entries), key);
        expect(shown.id).toBe("42");
        JSON.stringify(wireView(shown));
      }),
    );
  });

  it("is written on the wire with the names of the protocol", () => {
    const wire = wireView(
      view({
        ...{
          payload: "x",
          status: "finished",
          caller_id: "alice",
          created_at: "5",
          started_at: "6",
          exit_code: "0",
        },
        ...{
          stdout_bytes: "1",
          duration_ms: "7",
          timeout: "9",
          owner: "o",
          isolation: "group",
          signers: '["alice"]',
        },
      }),
    );
    expect(wire).toEqual({
      ...{
        id: "42",
        runner: "r",
        status: "finished",
        exit_code: 0,
        attempt: 0,
        caller_id: "alice",
        timeout: 9,
      },
      ...{ max_attempts: 1, created_at: 5, started_at: 6, duration_ms: 7, stdout_bytes: 1, owner: "o" },
      ...{ isolation: "group", signers: ["alice"], env_names: [], payload: "x" },
    });
  });
});

describe("encodeOutcome", () => {
  const fieldsOf = (flat: readonly string[]) =>
    new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ""] as const] : [])));

  it("stores standard output exactly and exit code 0", () => {
    const fields = fieldsOf(encodeOutcome(finished("é\n")));
    expect(fields.get("result")).toBe("é\n");
    expect(fields.get("exit_code")).toBe("0");
    expect(fields.get("stdout_bytes")).toBe("3");
    expect(fields.has("error")).toBe(false);
  });

  it("puts the sentence first and then the end of stderr into the error, without cutting a character", () => {
    const stderr = `${"é".repeat(5_000)}the end\n`;
    const output = {
      stdout: "",
      stderr,
      stdoutBytes: 0,
      stderrBytes: Buffer.byteLength(stderr),
      droppedBytes: 0,
    };
    const fields = fieldsOf(
      encodeOutcome(failed("exit_status", "hero ended with 3", { exitCode: 3, output })),
    );
    const error = fields.get("error") ?? "";
    expect(error.startsWith("hero ended with 3\n")).toBe(true);
    expect(error.endsWith("the end")).toBe(true);
    expect(error).not.toContain("\ufffd");
    expect(Buffer.byteLength(error)).toBeLessThan(4_200);
    expect(fields.get("stderr")).toBe(stderr);
    expect(fields.get("reason")).toBe("exit_status");
    expect(fields.get("exit_code")).toBe("3");
  });

  it("writes only fields that belong to the system", () => {
    const facts = {
      ...{
        durationMs: 1.6,
        isolation: "group",
        reaped: 2,
        stdoutSha256: "aa",
        stderrSha256: "bb",
        maskedCount: 1,
      },
      kill: { reason: "timeout", askedAtMs: 1, found: [], survivors: [] },
    };
    const names = [...fieldsOf(encodeOutcome(finished("x", facts), { signers: ["alice"] })).keys()];
    for (const name of names) expect(systemFields).toContain(name);
    expect(fieldsOf(encodeOutcome(finished("x", facts))).get("duration_ms")).toBe("2");
  });
});
