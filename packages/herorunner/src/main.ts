/** The bin `herorunner`: which command, and what its answer means for the process. */
import { readFile } from "node:fs/promises";
import { completionScript, crashOnBugs, load } from "@herorunner/daemon";
import { closeInheritedDescriptors } from "@herorunner/runner";
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
    if (loaded.command === "verify") await verify(loaded.config);
    else if (loaded.command === "doctor") await examine(loaded);
    else if (loaded.command === "completion")
      process.stdout.write(completionScript(program, loaded.config.shell));
    else await serve(loaded);
    break;
}

async function serve({
  config,
  sources,
  warnings,
}: Extract<typeof loaded, { command: "run" }>): Promise<void> {
  process.title = `herorunner ${config.runnerId}`;
  if (process.platform === "linux") closeInheritedDescriptors(process.env);
  crashOnBugs({ process, format: config.logFormat, exitCode: exitCodes.aborted });
  const modeWasChosen = sources["signatures"]?.kind !== "default";
  await runDaemon(config, { modeWasChosen, warnings });
}

async function examine({
  config,
  sources,
  warnings,
}: Extract<typeof loaded, { command: "doctor" }>): Promise<void> {
  for (const warning of warnings) process.stderr.write(`herorunner: ${warning}\n`);
  const { doctor } = await import("./doctor/doctor.ts");
  const answer = await doctor({
    config: { ...config, runnerId: config.runnerId ?? "doctor" },
    modeWasChosen: sources["signatures"]?.kind !== "default",
    runnerWasNamed: config.runnerId !== undefined,
    json: config.json,
    env: process.env,
  });
  process.stdout.write(answer.stdout);
  process.exitCode = answer.exitCode;
}

async function verify(config: Extract<typeof loaded, { command: "verify" }>["config"]): Promise<void> {
  const { verifyCommand } = await import("./verify-command.ts");
  const answer = await verifyCommand({
    jobFile: config.jobFile,
    trustFile: config.trust ?? "",
    nowSeconds: config.now === undefined ? Date.now() / 1000 : Number(config.now),
    acceptV1: config.acceptV1,
    json: config.json,
    envAllow: config.envAllow,
    ...(config.runner === undefined ? {} : { runner: config.runner }),
    ...(config.audience === undefined ? {} : { audience: config.audience }),
  });
  process.stdout.write(answer.stdout);
  process.stderr.write(answer.stderr);
  process.exitCode = answer.exitCode;
}
