/** BullMQ with a processor that does the same work. `node bullmq-worker.mjs PORT QUEUE CONCURRENCY PROGRAM` */
import { spawn } from "node:child_process";
import { Worker } from "bullmq";

const [port, queue, concurrency, program] = process.argv.slice(2);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const worker = new Worker(queue, (job) => run(job.data.payload), {
  connection,
  concurrency: Number(concurrency),
});
worker.on("error", (error) => console.error(error));

function run(payload) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["run", "-s"], { detached: true, env: { PATH: "/usr/bin:/bin" } });
    const pieces = [];
    child.stdout.on("data", (piece) => pieces.push(piece));
    child.stderr.on("data", () => {});
    child.stdin.on("error", () => {});
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(pieces).toString());
      else reject(new Error(`exit code ${code}`));
    });
    child.stdin.end(payload);
  });
}
