/**
 * What can be done to one repository. Each returns what happened in a few words; what git refuses is an error.
 */
import { realpathSync, rmSync } from "node:fs";
import type { ActionContext } from "../actor.ts";
import { readStatus, type RepositoryPlace, type RepositoryStatus } from "./git-repositories.ts";
import { gitAt } from "./git-state.ts";

export const repositoryActions = [
  "pull",
  "commit",
  "push",
  "reset",
  "branch_create",
  "branch_switch",
  "tag_create",
  "tag_switch",
  "delete",
] as const;
export type RepositoryAction = (typeof repositoryActions)[number];

export interface WorkRequest {
  readonly message?: string | undefined;
  readonly branchname?: string | undefined;
  readonly tagname?: string | undefined;
  readonly submodules?: boolean | undefined;
}

/** Which parameter an action cannot do without; a sentence when it is missing. */
export function workFault(action: RepositoryAction, request: WorkRequest): string | undefined {
  const needs = {
    pull: undefined,
    commit: "message",
    push: undefined,
    reset: undefined,
    branch_create: "branchname",
    branch_switch: "branchname",
    tag_create: "tagname",
    tag_switch: "tagname",
    delete: undefined,
  } as const;
  const need = needs[action];
  if (need === undefined) return undefined;
  return (request[need] ?? "").trim() === "" ? `${action} needs ${need}` : undefined;
}

interface Work {
  readonly context: ActionContext;
  readonly place: RepositoryPlace;
  readonly request: WorkRequest;
}

function run(work: Work, ...args: string[]): string {
  return gitAt(work.context, work.place.path, args).stdout;
}

function status(work: Work): RepositoryStatus {
  const found = readStatus(work.context, work.place);
  return found.error === undefined ? found : work.context.fail(found.error);
}

function refuseDirty(work: Work, action: string): void {
  if (status(work).dirty)
    work.context.fail(`${work.place.path} has changes that are not committed; ${action} would mix with them`);
}

function pull(work: Work): string {
  refuseDirty(work, "pull");
  const { commit: before, branch } = status(work);
  if (branch === undefined) return work.context.fail(`${work.place.path} is on no branch`);
  run(work, "pull", "--quiet", "--ff-only");
  if (work.request.submodules === true) run(work, "submodule", "update", "--init", "--recursive");
  const after = status(work).commit;
  return before === after
    ? "up to date"
    : `${before?.slice(0, 7) ?? "empty"} → ${after?.slice(0, 7) ?? "empty"}`;
}

function commit(work: Work): string {
  if (!status(work).dirty) return "nothing to commit";
  run(work, "add", "--all");
  run(work, "commit", "--quiet", `--message=${work.request.message ?? ""}`);
  return `committed ${status(work).commit?.slice(0, 7) ?? ""}`;
}

/** The branch has an upstream branch that is not there: that of a clone of an empty repository, or one that was removed. */
function upstreamIsGone(work: Work, branch: string): boolean {
  return run(work, "for-each-ref", "--format=%(upstream:track)", `refs/heads/${branch}`).trim() === "[gone]";
}

/** Without any, to push would only bring back a branch that somebody removed. */
function hasOwnCommits(work: Work): boolean {
  return run(work, "rev-list", "--max-count=1", "HEAD", "--not", "--remotes=origin") !== "";
}

function push(work: Work): string {
  const { branch, commit: last, upstream, ahead } = status(work);
  if (branch === undefined) return work.context.fail(`${work.place.path} is on no branch`);
  if (last === undefined || (upstream !== undefined && ahead === 0)) return "nothing to push";
  if (upstreamIsGone(work, branch) && !hasOwnCommits(work)) return "nothing to push";
  run(work, "push", "--quiet", "--set-upstream", "origin", branch);
  return ahead > 0 ? `pushed ${ahead} ${ahead === 1 ? "commit" : "commits"}` : `pushed ${branch}`;
}

/** With `core.worktree` a repository has its files elsewhere: what is not its own there would be removed. */
function refuseFilesElsewhere(work: Work): void {
  const { path } = work.place;
  const files = run(work, "rev-parse", "--show-toplevel").replace(/\n$/, "");
  if (files !== realpathSync(path))
    work.context.fail(`the files of ${path} are in ${files}; reset them there`);
}

function reset(work: Work): string {
  if (!status(work).dirty) return "nothing to reset";
  refuseFilesElsewhere(work);
  run(work, "reset", "--quiet", "--hard");
  run(work, "clean", "--quiet", "-ffdx");
  return "reset";
}

/** Does one action to one repository. The parameters it needs have been checked. */
export function workOn(action: RepositoryAction, work: Work): string {
  const { branchname = "", tagname = "" } = work.request;
  switch (action) {
    case "pull":
      return pull(work);
    case "commit":
      return commit(work);
    case "push":
      return push(work);
    case "reset":
      return reset(work);
    case "branch_create":
      run(work, "branch", branchname);
      return `created branch ${branchname}`;
    case "branch_switch":
      refuseDirty(work, "a switch");
      run(work, "switch", "--quiet", branchname);
      return `on branch ${branchname}`;
    case "tag_create":
      run(work, "tag", tagname);
      return `created tag ${tagname}`;
    case "tag_switch":
      refuseDirty(work, "a switch");
      run(work, "switch", "--quiet", "--detach", `refs/tags/${tagname}`);
      return `on tag ${tagname}`;
    case "delete":
      rmSync(work.place.path, { recursive: true, force: true });
      return "deleted";
  }
}
