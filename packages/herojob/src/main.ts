/** The bin `herojob`: reads the command line, runs one command, and leaves its exit code. */
import { readFile } from "node:fs/promises";
import { load } from "@herorunner/daemon";
import { exitCodes } from "./exit-codes.ts";
import { program } from "./options.ts";
import { tell } from "./problem.ts";
import { runCommand } from "./run.ts";
import { createShell } from "./shell.ts";

// A reader that had enough (`herojob logs 42 | head`) is no failure: end as other tools do on SIGPIPE.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) =>
    process.exit(error.code === "EPIPE" ? 141 : exitCodes.bug),
  );
}

const shell = createShell(process);
try {
  const loaded = await load({
    program,
    argv: process.argv.slice(2),
    env: process.env,
    readFile: (path) => readFile(path, "utf8"),
  });
  switch (loaded.kind) {
    case "text":
      await shell.stdout.write(loaded.text);
      break;
    case "problems":
      for (const { where, what, next } of loaded.problems) {
        await shell.stderr.write(`herojob: ${where}: ${what}. ${next}\n`);
      }
      process.exitCode = exitCodes.usage;
      break;
    case "command":
      for (const warning of loaded.warnings) await shell.stderr.write(`herojob: ${warning}\n`);
      process.exitCode = await runCommand(loaded, shell);
      break;
  }
} catch (error) {
  process.exitCode = await tell(error, shell);
}
