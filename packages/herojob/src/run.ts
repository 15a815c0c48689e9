/** From the words of a command line to its exit code. Connections are opened here, once per run, and closed whatever happens. */
import { readFile } from "node:fs/promises";
import { completionScript, load, type Loaded } from "@herorunner/daemon";
import { awaitCommand } from "./commands/await-command.ts";
import { cancel } from "./commands/cancel.ts";
import { explain } from "./commands/explain.ts";
import { cosign, keygen, sign, verify } from "./commands/keys.ts";
import { list } from "./commands/list.ts";
import { logs } from "./commands/logs.ts";
import { receipt } from "./commands/receipt.ts";
import { retry } from "./commands/retry.ts";
import { result, status } from "./commands/status.ts";
import { submit } from "./commands/submit.ts";
import type { ConnectionConfig } from "./common-options.ts";
import { connect, connectionWords } from "./connect.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { program } from "./options.ts";
import { tell } from "./problem.ts";
import type { Session } from "./session.ts";
import type { Shell } from "./shell.ts";

type Command = Extract<Loaded<typeof program>, { kind: "command" }>;

/** `argv` without node and script. Never rejects: what goes wrong is told on standard error. */
export async function runHerojob(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  shell: Shell,
): Promise<ExitCode> {
  try {
    const loaded = await load({ program, argv, env, readFile: (path) => readFile(path, "utf8") });
    switch (loaded.kind) {
      case "text":
        await shell.stdout.write(loaded.text);
        return exitCodes.done;
      case "problems":
        for (const { where, what, next } of loaded.problems) {
          await shell.stderr.write(`herojob: ${where}: ${what}. ${next}\n`);
        }
        return exitCodes.usage;
      case "command":
        for (const warning of loaded.warnings) await shell.stderr.write(`herojob: ${warning}\n`);
        return await runCommand(loaded, shell);
    }
  } catch (error) {
    return tell(error, shell);
  }
}

async function runCommand(loaded: Command, shell: Shell): Promise<ExitCode> {
  const isTyped = (key: string): boolean => loaded.sources[key]?.kind === "flag";
  const within = (
    work: (session: Session) => Promise<ExitCode>,
    config: ConnectionConfig,
  ): Promise<ExitCode> => {
    const words = connectionWords(config, isTyped);
    return withSession(config, { shell, words }, work);
  };
  switch (loaded.command) {
    case "keygen":
      return keygen(loaded.config, shell);
    case "sign":
      return sign(loaded.config, shell, isTyped);
    case "cosign":
      return cosign(loaded.config, shell);
    case "verify":
      return verify(loaded.config, shell);
    case "completion":
      await shell.stdout.write(completionScript(program, loaded.config.shell));
      return exitCodes.done;
    case "receipt":
      return receipt(loaded.config, shell, (work) => within(work, loaded.config));
    case "submit":
      return submit(loaded.config, shell, (work) => within(work, loaded.config), isTyped);
    case "retry":
      return within((session) => retry(loaded.config, session, isTyped), loaded.config);
    case "status":
      return within((session) => status(loaded.config, session), loaded.config);
    case "result":
      return within((session) => result(loaded.config, session), loaded.config);
    case "logs":
      return within((session) => logs(loaded.config, session), loaded.config);
    case "wait":
      return within((session) => awaitCommand(loaded.config, session), loaded.config);
    case "cancel":
      return within((session) => cancel(loaded.config, session), loaded.config);
    case "list":
      return within((session) => list(loaded.config, session), loaded.config);
    case "explain":
      return within((session) => explain(loaded.config, session), loaded.config);
  }
}

async function withSession(
  config: ConnectionConfig,
  rest: Omit<Session, "api">,
  work: (session: Session) => Promise<ExitCode>,
): Promise<ExitCode> {
  const api = await connect(config);
  try {
    return await work({ api, ...rest });
  } finally {
    api.close();
  }
}
