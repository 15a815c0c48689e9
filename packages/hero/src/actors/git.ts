/** Repositories below a code root: define, clone, list, and work on those that are selected. */
import { join } from "node:path";
import { defineAction, defineActor, type ActionContext } from "../actor.ts";
import { ActionError } from "../errors.ts";
import { cloneRepository, type CloneResult } from "./git-clone.ts";
import { locateRepository } from "./git-location.ts";
import {
  hasSelection,
  readStatus,
  selectRepositories,
  type RepositoryStatus,
  type Selection,
} from "./git-repositories.ts";
import { gitAt, gitSettings, setCoderoot, setGitSettings, sshKeyFault } from "./git-state.ts";
import { repositoryActions, workFault, workOn, type RepositoryAction, type WorkRequest } from "./git-work.ts";

const selection = {
  filter: { kind: "string", doc: "text that provider/account/name must contain" },
  name: { kind: "string", doc: "name of the repository" },
  account: { kind: "string", doc: "account it belongs to" },
  provider: { kind: "string", doc: "host it came from; github stands for github.com" },
} as const;

const define = defineAction({
  doc: "Sets where repositories live and how git is called, for all git actions that follow.",
  params: {
    coderoot: {
      kind: "path",
      default: "~/code",
      doc: "folder of the repositories: <coderoot>/<provider>/<account>/<name>",
    },
    light: {
      kind: "bool",
      default: true,
      doc: "clone the latest commit only, unless the clone says otherwise",
    },
    log: { kind: "bool", default: true, doc: "print what was done" },
    debug: { kind: "bool", default: false, doc: "show every git command on standard error" },
    offline: { kind: "bool", default: false, doc: "fetch nothing when states are read" },
    ssh_key_path: { kind: "string", default: "", doc: "private key for addresses of the ssh form" },
    reload: { kind: "bool", default: false, doc: "has no effect; states are always read anew" },
  },
  check: ({ ssh_key_path }) => sshKeyFault(ssh_key_path),
  run: (input, context) => {
    setGitSettings(context, {
      coderoot: input.coderoot,
      light: input.light,
      log: input.log,
      debug: input.debug,
      offline: input.offline || context.env.get("OFFLINE") !== undefined,
      sshKeyPath: input.ssh_key_path === "" ? undefined : expandHome(input.ssh_key_path, context),
    });
  },
});

function expandHome(path: string, context: ActionContext): string {
  return path.startsWith("~/") ? join(context.home, path.slice(2)) : path;
}

/** A path as people write it. */
function shortPath(path: string, context: ActionContext): string {
  return path.startsWith(`${context.home}/`) ? `~${path.slice(context.home.length)}` : path;
}

const cloneParams = {
  url: {
    kind: "string",
    required: true,
    doc: "https://, ssh://, git@host:account/name, host/account/name, file:// or a local path; a branch behind /tree/ or /src/branch/ is checked out",
  },
  coderoot: { kind: "path", doc: "another code root for this clone" },
  branch: { kind: "name", doc: "branch or tag to check out" },
  sshkey: { kind: "string", doc: "file of the private key; the ssh form of the address is used" },
  light: { kind: "bool", doc: "the latest commit only; default: what git.define says, else true" },
  recursive: { kind: "bool", default: false, doc: "submodules too" },
  pull: { kind: "bool", default: false, doc: "pull when the clone is there already" },
  reset: { kind: "bool", default: false, doc: "throw away local changes when the clone is there already" },
} as const;

const clone = defineAction({
  doc: "Clones a repository to <coderoot>/<provider>/<account>/<name>. A clone that is there already is left as it is.",
  params: cloneParams,
  check: ({ url, sshkey }) => {
    const found = locateRepository(url);
    return "fault" in found ? `url ${found.fault}` : sshKeyFault(sshkey ?? "");
  },
  run: (input, context): CloneResult & { readonly done: readonly string[] } => {
    const { light, sshkey } = input;
    const result = cloneRepository(context, {
      ...input,
      sshkey: sshkey === undefined || sshkey === "" ? undefined : expandHome(sshkey, context),
      light: light ?? gitSettings(context).light,
    });
    const done: string[] = [];
    for (const action of ["reset", "pull"] as const) {
      if (!result.cloned && input[action]) done.push(workOn(action, { context, place: result, request: {} }));
    }
    return { ...result, done };
  },
  print: (result, context) => {
    if (!gitSettings(context).log) return undefined;
    // What run returned, passed through JSON.
    const { path, cloned, done } = result as CloneResult & { done: string[] };
    const what = cloned ? "cloned" : ["is there already", ...done].join(", ");
    return cloned ? `${what} ${shortPath(path, context)}` : `${shortPath(path, context)} ${what}`;
  },
});

function tableRow(row: RepositoryStatus, context: ActionContext): readonly [string, string, string] {
  const place =
    row.branch === undefined ? (row.tag === undefined ? "[detached]" : `[[${row.tag}]]`) : `[${row.branch}]`;
  const flags = [
    row.dirty ? "COMMIT" : "",
    row.ahead > 0 ? "PUSH" : "",
    row.behind > 0 ? "PULL" : "",
    row.error === undefined ? "" : `ERROR: ${row.error}`,
  ];
  return [
    shortPath(row.path, context),
    row.error === undefined ? place : "",
    flags.filter((flag) => flag !== "").join(" "),
  ];
}

function printTable(result: unknown, context: ActionContext): string | undefined {
  // What run returned, passed through JSON.
  const rows = (result as RepositoryStatus[]).map((row) => tableRow(row, context));
  if (rows.length === 0) {
    context.note(
      `git.list: no repositories match below ${shortPath(gitSettings(context).coderoot, context)}`,
    );
    return undefined;
  }
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column === 0 ? 0 : 1].length)));
  return rows
    .map(([path, place, flags]) =>
      `${path.padEnd(widths[0] ?? 0)}  ${place.padEnd(widths[1] ?? 0)}  ${flags}`.trimEnd(),
    )
    .join("\n");
}

const list = defineAction({
  doc: "Lists the repositories with branch or tag, and COMMIT, PUSH, PULL where there is something to do.",
  params: {
    ...selection,
    status_update: { kind: "bool", default: false, doc: "fetch from the remotes first" },
  },
  run: (input, context) => {
    const places = selectRepositories(context, input);
    return places.map((place) => {
      if (input.status_update && !gitSettings(context).offline) {
        const fetched = gitAt(context, place.path, ["fetch", "--quiet", "--all", "--tags"], {
          allowFailure: true,
        });
        if (fetched.status !== 0) {
          return {
            ...readStatus(context, place),
            error: fetched.stderr.trim().split("\n").at(-1) ?? "fetch failed",
          };
        }
      }
      return readStatus(context, place);
    });
  },
  print: printTable,
});

interface Done {
  readonly repository: string;
  readonly path: string;
  readonly action: string;
  readonly outcome: string;
}

function workOnSelected(
  action: RepositoryAction,
  input: Selection & WorkRequest & { readonly error_ignore?: boolean | undefined },
  context: ActionContext,
): Done[] {
  const places = selectRepositories(context, input);
  if (places.length === 0) {
    const message = `no repository matches below ${shortPath(gitSettings(context).coderoot, context)}`;
    if (input.error_ignore !== true) return context.fail(message);
    context.note(`git.${action}: ${message}`);
  }
  return places.map((place) => {
    const repository = `${place.provider}/${place.account}/${place.name}`;
    try {
      return {
        repository,
        path: place.path,
        action,
        outcome: workOn(action, { context, place, request: input }),
      };
    } catch (error) {
      if (error instanceof ActionError && error.kind === "failed")
        context.fail(`${repository}: ${error.message}`);
      throw error;
    }
  });
}

function printDone(result: unknown, context: ActionContext): string | undefined {
  if (!gitSettings(context).log) return undefined;
  // What run returned, passed through JSON.
  return (result as Done[])
    .map(({ repository, action, outcome }) => `${action} ${repository}: ${outcome}`)
    .join("\n");
}

const workParams = {
  message: { kind: "string", doc: "text of a commit" },
  branchname: { kind: "name", doc: "for branch_create and branch_switch" },
  tagname: { kind: "name", doc: "for tag_create and tag_switch" },
  submodules: { kind: "bool", default: false, doc: "pull updates submodules too" },
  error_ignore: { kind: "bool", default: false, doc: "no match is a message, not an error" },
} as const;

const needsSelection =
  "needs a selection: filter, name, account or provider; filter:'/' selects every repository";

const repoAction = defineAction({
  doc: "Does one thing to every selected repository.",
  params: {
    action: { kind: "string", required: true, choices: repositoryActions, doc: "what to do" },
    ...selection,
    ...workParams,
  },
  check: (input) => {
    if (!hasSelection(input)) return needsSelection;
    // One of the choices.
    return workFault(input.action as RepositoryAction, input);
  },
  run: (input, context) => workOnSelected(input.action as RepositoryAction, input, context),
  print: printDone,
});

/** `git.pull name:x` for `git.repo_action action:pull name:x`. */
function shorthand(action: "pull" | "commit" | "push", doc: string) {
  const { message, submodules, error_ignore } = workParams;
  return defineAction({
    doc: `${doc} The same as git.repo_action with action:${action}.`,
    params: { ...selection, message, submodules, error_ignore },
    check: (input) => (hasSelection(input) ? workFault(action, input) : needsSelection),
    run: (input, context) => workOnSelected(action, input, context),
    print: printDone,
  });
}

const reloadCache = defineAction({
  doc: "Reads the code root anew. Nothing is kept between actions, so this only sets the code root, if one is given.",
  params: { coderoot: { kind: "path", doc: "another code root from now on" } },
  run: ({ coderoot }, context) => {
    if (coderoot !== undefined) setCoderoot(context, coderoot);
  },
});

export default defineActor({
  name: "git",
  doc: "Git repositories below a code root.",
  actions: {
    define,
    clone,
    list,
    repo_action: repoAction,
    reload_cache: reloadCache,
    pull: shorthand("pull", "Pulls the selected repositories."),
    commit: shorthand("commit", "Commits everything in the selected repositories."),
    push: shorthand("push", "Pushes the selected repositories."),
    ensure: clone,
    status: list,
    reload: reloadCache,
  },
});
