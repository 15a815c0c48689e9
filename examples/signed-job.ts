/**
 * Submits a signed job, for runners that are started with --trust. The key comes from `herojob keygen`.
 *
 *   npx tsx --conditions=@herorunner/source examples/signed-job.ts alice.key my-hero-runner 'print("hello")'
 */
import { type Job, JobClient } from "@herorunner/job";
import { loadKeyFile, signJob } from "@herorunner/job/trust";

const [keyFile = "alice.key", runner = "my-hero-runner", payload = 'print("hello")'] = process.argv.slice(2);
const key = await loadKeyFile(keyFile);
await using client = await JobClient.connect(process.env["REDIS_URL"]);

// Fills in what a signature covers (caller, audience, nonce, dates), then signs the very bytes that the runner checks.
const sign = (job: Job): Promise<Job> =>
  signJob(job, key, { nowSeconds: Date.now() / 1000, audience: "default", expiresInSeconds: 600 });

const { id } = await client.submit({ runner, payload }, { sign });
const job = await client.wait(id, { timeoutMs: 90_000 });
console.error(`${job.reason ?? job.status}, signed by ${job.signers?.join(" and ") ?? "nobody that counts"}`);
process.stdout.write(job.result ?? "");
process.exitCode = job.status === "finished" ? 0 : 1;
