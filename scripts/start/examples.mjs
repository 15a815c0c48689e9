/** The three example jobs: what is submitted, and how to tell whether the answer is as it should be. */

/**
 * @typedef {import("@herorunner/job").JobView} JobView
 *
 * @typedef {object} Example
 * @property {string} title
 * @property {string} payload
 * @property {Readonly<Record<string, string>>} [envVars]
 * @property {(job: JobView) => string | undefined} problem What is wrong with this answer, if anything is.
 * @property {(job: JobView) => string | undefined} [note] What a reader should know about this answer.
 */

/** @type {readonly Example[]} */
export const examples = [
  {
    title: "A greeting",
    payload: 'print("Hello from heroscript!")',
    problem: prints("Hello from heroscript!\n"),
  },
  {
    title: "Two actors and a statement between them",
    payload: ["!!git.list", 'print("These were the repositories; now the containers:")', "!!docker.ps"].join(
      "\n",
    ),
    problem: (job) =>
      job.status === "finished" || withoutDocker(job) ? undefined : "neither a list nor a missing Docker",
    note: (job) =>
      withoutDocker(job)
        ? "no Docker engine answers on this machine, and that is what an action that fails looks like"
        : undefined,
  },
  {
    title: "A variable from the job's env_vars",
    payload: "print(env.MY_VAR)",
    envVars: { MY_VAR: "a value that travelled with the job" },
    problem: prints("a value that travelled with the job\n"),
  },
];

/**
 * @param {string} expected
 * @returns {(job: JobView) => string | undefined}
 */
function prints(expected) {
  return (job) =>
    job.status === "finished" && job.result === expected
      ? undefined
      : `it should have finished with ${JSON.stringify(expected)}`;
}

/** The script got as far as its last action, and that one found no Docker. @param {JobView} job */
function withoutDocker(job) {
  const printed = job.result?.includes("now the containers:") ?? false;
  return job.reason === "exit_status" && printed && /docker/i.test(`${job.error} ${job.stderr}`);
}
