/** The bin `herojob`: the process around runHerojob. */
import { writeSync } from "node:fs";
import { exitCodes } from "./exit-codes.ts";
import { runHerojob } from "./run.ts";
import { createShell } from "./shell.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE")
    sayBeforeTheEnd(`herojob: standard output cannot be written: ${error.message}\n`);
  end(error);
});
process.stderr.on("error", end);

/** A reader that had enough (`herojob logs 42 | head`) is no failure: end as other tools do on SIGPIPE. */
function end(error: NodeJS.ErrnoException): never {
  process.exit(error.code === "EPIPE" ? 141 : exitCodes.bug);
}

function sayBeforeTheEnd(text: string): void {
  try {
    writeSync(process.stderr.fd, text);
  } catch {
    // both went: there is nobody to tell
  }
}

process.exitCode = await runHerojob(process.argv.slice(2), process.env, createShell(process));
