/** The bin `herorunner`: which command, and what its answer means for the process. */
import { readFile } from "node:fs/promises";
import { crashOnBugs, load } from "@herorunner/daemon";
import { runDaemon } from "./daemon.ts";
import { exitCodes } from "./exit-codes.ts";
import { program } from "./options.ts";

const loaded = await load({
  program,
  argv: process.argv.slice(2),
  env: process.env,
  readFile: (path) => readFile(path, "utf8"),
});
switch (loaded.kind) {
  case "text":
    process.stdout.write(loaded.text);
    break;
  case "problems":
    process.stderr.write(loaded.text);
    process.exitCode = exitCodes.usage;
    break;
  case "command":
    process.title = `herorunner ${loaded.config.runnerId}`;
    crashOnBugs({ process, format: loaded.config.logFormat, exitCode: exitCodes.aborted });
    await runDaemon(loaded.config, {
      modeWasChosen: loaded.sources["signatures"]?.kind !== "default",
      warnings: loaded.warnings,
    });
    break;
}
