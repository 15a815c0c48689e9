/**
 * Submits a job, shows its output while it runs, and prints what it came to.
 *
 *   npx tsx --conditions=@herorunner/source examples/submit-and-wait.ts my-hero-runner 'print("hello")'
 */
import { JobClient } from "@herorunner/job";

const [runner = "my-hero-runner", payload = 'print("hello")'] = process.argv.slice(2);
await using client = await JobClient.connect(process.env["REDIS_URL"]);

const { id } = await client.submit({ runner, payload, callerId: "example", timeoutSeconds: 60 });
for await (const line of client.logs(id)) console.error(`${line.stream}: ${line.data.trimEnd()}`);

const job = await client.wait(id, { timeoutMs: 90_000 });
if (job.status === "finished") process.stdout.write(job.result ?? "");
else console.error(`job ${id} ended as ${job.reason}: ${job.error}`);
process.exitCode = job.status === "finished" ? 0 : 1;
