import { describe, expect, it } from "vitest";
import { failed, finished } from "../../src/outcome.ts";
import { receiptMismatch, receiptStatement, signReceipt, verifyReceipt } from "../../src/trust/index.ts";
import { alice, plainJob } from "./fixtures.ts";

const times = { attempt: 1, startedAtMs: 1000.4, finishedAtMs: 2000, signers: ["alice", "bob"] };
const job = plainJob();
const statement = receiptStatement(job, { outcome: finished("hello\n"), ...times });
const record = {
  job,
  status: "finished",
  reason: undefined,
  exitCode: 0,
  result: "hello\n",
  stderr: "",
};

describe("receipts", () => {
  it("say how a job ended, and hold", async () => {
    const read = verifyReceipt(await signReceipt(statement, alice));
    expect(read).toEqual({ ok: true, statement, publicKey: alice.publicKey });
    expect(statement).toMatchObject({
      status: "finished",
      exit_code: 0,
      started_at: 1000,
      stdout_bytes: 6,
      stdout_sha256: "",
      stdout_stored_sha256: "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
      signers: "alice,bob",
    });
  });

  it("are refused after any member changed, is missing or was added", async () => {
    const text = await signReceipt(statement, alice);
    const members = JSON.parse(text) as Record<string, unknown>;
    for (const [name, value] of Object.entries(members)) {
      const other = typeof value === "number" ? value + 1 : name === "status" ? "error" : "timeout";
      expect([name, verifyReceipt(JSON.stringify({ ...members, [name]: other })).ok]).toEqual([name, false]);
      const { [name]: _gone, ...rest } = members;
      expect([name, verifyReceipt(JSON.stringify(rest)).ok]).toEqual([name, false]);
    }
    expect(verifyReceipt(JSON.stringify({ ...members, note: "" })).ok).toBe(false);
    expect(verifyReceipt(text.replace("{", '{"runner":"x",')).ok).toBe(false);
    expect(verifyReceipt("").ok).toBe(false);
    expect(verifyReceipt("[]").ok).toBe(false);
  });

  it("cover jobs that failed, and jobs that never ran", async () => {
    const refused = receiptStatement(job, { outcome: failed("bad_signature", "no"), ...times });
    expect(refused).toMatchObject({
      status: "error",
      reason: "bad_signature",
      exit_code: "",
      stdout_stored_sha256: "",
    });
    expect(verifyReceipt(await signReceipt(refused, alice)).ok).toBe(true);
    const nothing = { ...record, status: "error", exitCode: undefined, result: undefined, stderr: undefined };
    expect(receiptMismatch(refused, { ...nothing, reason: "bad_signature" })).toBeUndefined();
    expect(receiptMismatch(refused, { ...nothing, reason: "bad_signature", result: "x" })).toContain(
      "result",
    );
    const killed = failed("killed_by_signal", "no", { signal: "SIGKILL" });
    const text = await signReceipt(receiptStatement(job, { outcome: killed, ...times }), alice);
    expect(verifyReceipt(text)).toMatchObject({ ok: true, statement: { signal: "SIGKILL" } });
  });

  it("contradict a record that was changed afterwards, and say where", () => {
    expect(receiptMismatch(statement, record)).toBeUndefined();
    expect(receiptMismatch(statement, { ...record, result: "hallo\n" })).toContain("result");
    expect(receiptMismatch(statement, { ...record, result: undefined })).toContain("result");
    expect(receiptMismatch(statement, { ...record, stderr: "oops" })).toContain("stderr");
    expect(receiptMismatch(statement, { ...record, job: plainJob({ payload: "x" }) })).toContain("digest");
    expect(receiptMismatch(statement, { ...record, job: plainJob({ id: "other" }) })).toContain(
      "another job",
    );
    expect(receiptMismatch(statement, { ...record, status: "error" })).toContain("says finished");
    expect(receiptMismatch(statement, { ...record, exitCode: 1 })).toContain("exit code");
    expect(receiptMismatch(statement, { ...record, reason: "timeout" })).toContain("reason");
  });
});
