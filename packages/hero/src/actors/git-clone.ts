/**
 * Clones a repository to its place below the code root. What is there under the final name is always a whole clone:
 * git works in a folder next to it, and what it made is renamed at the end.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ActionContext } from "../actor.ts";
import { locateRepository, sshUrl, type GitLocation } from "./git-location.ts";
import { isRepository, type RepositoryPlace } from "./git-repositories.ts";
import { git, gitSettings } from "./git-state.ts";

export interface CloneRequest {
  readonly url: string;
  readonly coderoot: string | undefined;
  readonly sshkey: string | undefined;
  readonly branch: string | undefined;
  readonly light: boolean;
  readonly recursive: boolean;
}

export interface CloneResult extends RepositoryPlace {
  readonly url: string;
  /** False when the clone was there already. */
  readonly cloned: boolean;
}

function place(context: ActionContext, request: CloneRequest, location: GitLocation): RepositoryPlace {
  const root = request.coderoot ?? gitSettings(context).coderoot;
  const { provider, account, name } = location;
  return { provider, account, name, path: join(root, provider, account, name) };
}

export function cloneRepository(context: ActionContext, request: CloneRequest): CloneResult {
  const found = locateRepository(request.url);
  if ("fault" in found) return context.fail(`url ${found.fault}`);
  const { location } = found;
  const target = place(context, request, location);
  const url = request.sshkey === undefined ? location.url : sshUrl(location);
  // A password in the address is for git alone.
  const shown = url.replace(/^(https?:\/\/[^:@/]+):[^@/]*@/, "$1@");
  if (isRepository(target.path)) return { ...target, url: shown, cloned: false };
  if (existsSync(target.path)) return context.fail(`${target.path} exists but is no git repository`);
  const parent = dirname(target.path);
  mkdirSync(parent, { recursive: true });
  // Nobody else's: in a container, or a PID namespace, another hero has the same pid.
  const folder = mkdtempSync(join(parent, `.${target.name}.partial-`));
  const partial = join(folder, target.name);
  try {
    const branch = request.branch ?? location.branch;
    const args = [
      "clone",
      "--quiet",
      ...(request.light ? ["--depth", "1", "--no-single-branch"] : []),
      ...(request.recursive ? ["--recurse-submodules"] : []),
      ...(branch === undefined ? [] : ["--branch", branch]),
      "--",
      url,
      partial,
    ];
    git(context, args, request.sshkey === undefined ? {} : { sshKeyPath: request.sshkey });
    renameSync(partial, target.path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { ...target, url: shown, cloned: true };
}
