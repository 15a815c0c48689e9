/**
 * What the git actions of one run remember: where repositories live and how git is called.
 */
import { dirname, join } from "node:path";
import type { ActionContext, ExecOptions, ExecResult } from "../actor.ts";

export interface GitSettings {
  readonly coderoot: string;
  readonly light: boolean;
  readonly log: boolean;
  readonly debug: boolean;
  readonly offline: boolean;
  readonly sshKeyPath: string | undefined;
}

const stateKey = "git";

export function gitSettings(context: ActionContext): GitSettings {
  const kept = context.state.get(stateKey);
  // Only this file writes the key.
  if (kept !== undefined) return kept as GitSettings;
  return {
    coderoot: join(context.home, "code"),
    light: true,
    log: true,
    debug: false,
    offline: context.env.get("OFFLINE") !== undefined,
    sshKeyPath: undefined,
  };
}

export function setGitSettings(context: ActionContext, settings: GitSettings): void {
  context.state.set(stateKey, settings);
}

export function setCoderoot(context: ActionContext, coderoot: string): void {
  setGitSettings(context, { ...gitSettings(context), coderoot });
}

/**
 * Set by git for its hooks and aliases, and stronger than the folder git is started in: below one of those, every action would work on
 * the repository it was called from.
 */
const otherRepository = {
  GIT_DIR: undefined,
  GIT_WORK_TREE: undefined,
  GIT_COMMON_DIR: undefined,
  GIT_INDEX_FILE: undefined,
  GIT_OBJECT_DIRECTORY: undefined,
  GIT_ALTERNATE_OBJECT_DIRECTORIES: undefined,
  GIT_QUARANTINE_PATH: undefined,
  GIT_NAMESPACE: undefined,
  GIT_PREFIX: undefined,
  GIT_SHALLOW_FILE: undefined,
} as const;

/** Git never asks: not for a password, not for a host key. */
function quietEnvironment(
  context: ActionContext,
  sshKeyPath: string | undefined,
): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = {
    ...otherRepository,
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
  };
  if (sshKeyPath !== undefined) {
    env["GIT_SSH_COMMAND"] = `ssh -oBatchMode=yes -oIdentitiesOnly=yes -i ${sshKeyPath}`;
  } else if (context.env.get("GIT_SSH_COMMAND") === undefined && context.env.get("GIT_SSH") === undefined) {
    env["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes";
  }
  return env;
}

/** Git hands its ssh command to a shell, so only a path that means the same there is let through. */
export function sshKeyFault(path: string): string | undefined {
  return /^[A-Za-z0-9_./@%+:,=-]*$/.test(path) && !path.startsWith("-")
    ? undefined
    : `the key path "${path}" holds characters that cannot be passed to ssh safely`;
}

/** Runs git; `sshKeyPath` replaces the key of the settings for this call. */
export function git(
  context: ActionContext,
  args: readonly string[],
  options: ExecOptions & { readonly sshKeyPath?: string } = {},
): ExecResult {
  const settings = gitSettings(context);
  if (settings.debug) context.note(`git ${args.join(" ")}`);
  return context.exec("git", args, {
    ...options,
    env: { ...quietEnvironment(context, options.sshKeyPath ?? settings.sshKeyPath), ...options.env },
  });
}

/**
 * Runs git in a repository, and never in one above it: git would look there if `.git` is damaged. Folders in which it is not
 * to look are separated by colons, so that one with a colon in its name cannot be told. With GIT_DIR it would not look, and
 * not ask either whose repository it is.
 */
export function gitAt(
  context: ActionContext,
  path: string,
  args: readonly string[],
  options: ExecOptions = {},
): ExecResult {
  if (path.includes(":"))
    return context.fail(`git cannot be kept to ${path}, for it has a colon; use a code root without one`);
  return git(context, ["-C", path, ...args], {
    ...options,
    env: { GIT_CEILING_DIRECTORIES: dirname(path), ...options.env },
  });
}
