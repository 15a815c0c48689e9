/** GET /page/jobs/<id>/receipt: whether the runner's signed statement holds, and whether the record still says the same. */
import { decodeJob, type JobView, readJobFields, viewJob } from "@herorunner/job";
import { receiptMismatch, verifyReceipt } from "@herorunner/job/trust";
import { type Answer, json } from "../http/answer.ts";
import { runnerOf } from "../http/job-routes.ts";
import { loginFor, type Visit } from "../http/visit.ts";
import { RpcError } from "../rpc/errors.ts";

const maxPayloadBytes = 64 * 1024 * 1024;

/** Whether the key is one that this installation trusts is for people to say: it is shown. */
export async function checkReceipt(visit: Visit): Promise<Answer> {
  await loginFor(visit, "jobs:read");
  const { jobs, runners } = visit.app.services;
  const id = visit.parts["id"] ?? "";
  const keys = await jobs.locate(id, runnerOf(visit.query));
  const fields = await readJobFields(runners.at(keys), keys, id);
  const view = fields === undefined ? undefined : viewJob(fields, { id, runner: keys.runner });
  if (fields === undefined || view?.receipt === undefined) {
    throw new RpcError("not_found", `job ${id} has no receipt`, { reason: "no_receipt" });
  }
  const read = verifyReceipt(view.receipt);
  if (!read.ok) return json(200, { holds: false, problem: read.problem });
  const decoded = decodeJob(fields, { id, runner: keys.runner }, { maxPayloadBytes });
  const mismatch = decoded.ok
    ? receiptMismatch(read.statement, { job: decoded.job, ...recordOf(view) })
    : `the job in the record cannot be read any more: ${decoded.message}`;
  return json(200, {
    holds: mismatch === undefined,
    ...(mismatch === undefined ? {} : { problem: mismatch }),
    public_key: read.publicKey,
    statement: read.statement,
  });
}

function recordOf({ status, reason, exitCode, result, stderr }: JobView) {
  return { status, reason, exitCode, result, stderr };
}
