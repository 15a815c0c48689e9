/**
 * The repositories below the code root and the state of each, as git tells it.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ActionContext } from "../actor.ts";
import { messageOf } from "../errors.ts";
import { gitAt, gitSettings } from "./git-state.ts";

export interface RepositoryPlace {
  readonly provider: string;
  readonly account: string;
  readonly name: string;
  readonly path: string;
}

export interface RepositoryStatus extends RepositoryPlace {
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  /** Absent too when it is configured but not there. */
  readonly upstream?: string;
  /** Files changed or not yet tracked. */
  readonly dirty: boolean;
  /** Commits that the upstream branch does not have, and the other way round. */
  readonly ahead: number;
  readonly behind: number;
  readonly error?: string;
}

/** All given parts must match; `filter` is any text in `provider/account/name`. */
export interface Selection {
  readonly filter?: string | undefined;
  readonly name?: string | undefined;
  readonly account?: string | undefined;
  readonly provider?: string | undefined;
}

const skippedFolders = new Set([
  "node_modules",
  "vendor",
  "dist",
  "build",
  "bin",
  "obj",
  "target",
  "tmp",
  "temp",
]);

function folders(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^[._]/.test(entry.name) && !skippedFolders.has(entry.name))
    .map((entry) => entry.name)
    .sort();
}

export function isRepository(path: string): boolean {
  return existsSync(join(path, ".git"));
}

/** Repositories three levels below the code root, by path. */
function findRepositories(coderoot: string): RepositoryPlace[] {
  if (existsSync(coderoot) && !statSync(coderoot).isDirectory()) return [];
  return folders(coderoot).flatMap((provider) =>
    folders(join(coderoot, provider)).flatMap((account) =>
      folders(join(coderoot, provider, account))
        .map((name) => ({ provider, account, name, path: join(coderoot, provider, account, name) }))
        .filter((place) => isRepository(place.path)),
    ),
  );
}

function isSelected(place: RepositoryPlace, selection: Selection): boolean {
  const relative = `${place.provider}/${place.account}/${place.name}`;
  const provider = selection.provider === "github.com" ? "github" : selection.provider;
  return (
    (selection.filter === undefined || relative.includes(selection.filter)) &&
    (selection.name === undefined || place.name === selection.name) &&
    (selection.account === undefined || place.account === selection.account) &&
    (provider === undefined || place.provider === provider)
  );
}

export function hasSelection(selection: Selection): boolean {
  return [selection.filter, selection.name, selection.account, selection.provider].some(
    (part) => part !== undefined && part !== "",
  );
}

export function selectRepositories(context: ActionContext, selection: Selection): RepositoryPlace[] {
  return findRepositories(gitSettings(context).coderoot).filter((place) => isSelected(place, selection));
}

/** Asks git; what goes wrong becomes the `error` of that repository. */
export function readStatus(context: ActionContext, place: RepositoryPlace): RepositoryStatus {
  try {
    const { stdout } = gitAt(context, place.path, ["status", "--porcelain=v2", "--branch"]);
    return { ...place, ...parseStatus(stdout), ...tagOf(context, place, stdout) };
  } catch (error) {
    return { ...place, dirty: false, ahead: 0, behind: 0, error: messageOf(error) };
  }
}

function parseStatus(text: string): Omit<RepositoryStatus, keyof RepositoryPlace> {
  const header = (name: string) => new RegExp(`^# branch\\.${name} (.*)$`, "m").exec(text)?.[1];
  const head = header("head");
  const counts = /^\+(\d+) -(\d+)$/.exec(header("ab") ?? "");
  const commit = header("oid");
  // Without counts the upstream branch is one that is not there: that of a clone of an empty repository, or one that was removed.
  const upstream = counts === null ? undefined : header("upstream");
  return {
    ...(head === undefined || head === "(detached)" ? {} : { branch: head }),
    ...(commit === undefined || commit === "(initial)" ? {} : { commit }),
    ...(upstream === undefined ? {} : { upstream }),
    dirty: text.split("\n").some((line) => line !== "" && !line.startsWith("#")),
    ahead: Number(counts?.[1] ?? 0),
    behind: Number(counts?.[2] ?? 0),
  };
}

/** A repository that is on no branch may be on a tag. */
function tagOf(context: ActionContext, place: RepositoryPlace, status: string): { tag?: string } {
  if (!status.includes("# branch.head (detached)")) return {};
  const described = gitAt(context, place.path, ["describe", "--tags", "--exact-match"], {
    allowFailure: true,
  });
  return described.status === 0 ? { tag: described.stdout.trim() } : {};
}
