/**
 * `node healthy.mjs URL`: exit code 0 when the URL answers 200 within 3 s, else 1 and a line that says why. For health checks
 * of containers and of zinit, where there is no curl.
 */
const answerWithinMs = 3_000;
const [url = ""] = process.argv.slice(2);

try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) });
  const text = (await answer.text()).trim();
  if (answer.status !== 200) fail(`${answer.status} ${text}`);
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
  fail(`${error instanceof Error ? error.message : String(error)}${cause}`);
}

/** @param {string} why */
function fail(why) {
  process.stdout.write(`${url} ${why}\n`);
  process.exitCode = 1;
}
