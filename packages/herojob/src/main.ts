/** The bin `herojob`: the process around runHerojob. */
import { exitCodes } from "./exit-codes.ts";
import { runHerojob } from "./run.ts";
import { createShell } from "./shell.ts";

// A reader that had enough (`herojob logs 42 | head`) is no failure: end as other tools do on SIGPIPE.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) =>
    process.exit(error.code === "EPIPE" ? 141 : exitCodes.bug),
  );
}

process.exitCode = await runHerojob(process.argv.slice(2), process.env, createShell(process));
