/** How `npm start` talks: steps with the time they took, and jobs with everything a person wants to see of them. */
import { styleText } from "node:util";

const colours = process.stdout.isTTY && !process.env["NO_COLOR"];
const nameWidth = 12;

/** @param {Parameters<typeof styleText>[0]} style @param {string} text */
function styled(style, text) {
  return colours ? styleText(style, text) : text;
}

/** @param {string} line */
export function say(line = "") {
  console.log(line);
}

/** @param {string} text */
export function heading(text) {
  say(`\n${styled("bold", text)}\n`);
}

/**
 * Does one step and says what it was and how long it took.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @param {(result: T) => string} describe
 * @returns {Promise<T>}
 */
export async function step(name, work, describe) {
  const start = performance.now();
  const result = await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  say(
    `  ${styled("green", "✓")} ${name.padEnd(nameWidth)} ${`${seconds} s`.padStart(6)}   ${describe(result)}`,
  );
  return result;
}

/**
 * @param {number} number
 * @param {import("./examples.mjs").Example} example
 * @param {import("@herorunner/job").JobView} job
 * @returns {boolean} Whether the job ended as it should.
 */
export function showJob(number, example, job) {
  const problem = example.problem(job);
  const note = example.note?.(job);
  say(`  ${styled("bold", `${number}. ${example.title}`)}`);
  for (const line of example.payload.split("\n")) say(`     ${styled("cyan", line)}`);
  for (const [name, value] of Object.entries(example.envVars ?? {})) {
    say(`     ${styled("dim", `with ${name}=${JSON.stringify(value)}`)}`);
  }
  const reason = job.reason ? ` (${job.reason}${job.exitCode === undefined ? "" : ` ${job.exitCode}`})` : "";
  const status = styled(job.status === "finished" ? "green" : "yellow", `${job.status}${reason}`);
  say(`     job ${job.id}: ${status} in ${job.durationMs ?? "?"} ms`);
  showText("result", job.result);
  showText("stderr", job.stderr);
  // the error is one sentence and then the end of stderr, which is above already
  showText("error", job.stderr ? job.error?.split("\n", 1)[0] : job.error);
  if (note) say(`     ${styled("dim", `(${note})`)}`);
  if (problem) say(`     ${styled("red", `✗ ${problem}`)}`);
  say();
  return problem === undefined;
}

/** @param {string} label @param {string | undefined} text */
function showText(label, text) {
  if (!text) return;
  const lines = visible(text).replace(/\n$/, "").split("\n");
  for (const [index, line] of lines.entries()) {
    say(`     ${styled("dim", (index === 0 ? label : "").padStart(6))} │ ${line}`);
  }
}

/** A job's output must not steer the terminal. @param {string} text */
function visible(text) {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
