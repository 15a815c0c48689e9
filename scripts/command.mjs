/**
 * Runs one program to its end and hands back what it said. No shell, nothing on standard input. A program that
 * cannot be started answers with exit code 127, as a shell would; the caller's abort signal ends it and rejects.
 */
import { spawn } from "node:child_process";

/**
 * @typedef {object} Finished
 * @property {number} code Exit code; 127 when the program could not be started, 128 when a signal ended it.
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, signal?: AbortSignal | undefined }} [options]
 * @returns {Promise<Finished>}
 */
export function run(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    const child = spawn(file, args, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      signal: options.signal,
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.on("error", (error) => {
      if (options.signal?.aborted) reject(options.signal.reason);
      else resolve({ code: 127, stdout, stderr: `${stderr}${error.message}` });
    });
    child.on("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
  });
}

/**
 * What went wrong, in at most a few lines fit for a terminal: the end of stderr, else of stdout.
 * @param {Finished} finished
 */
export function lastWords(finished) {
  const said = (finished.stderr.trim() || finished.stdout.trim()).split("\n").slice(-6).join("\n");
  return said || `exit code ${finished.code}`;
}
