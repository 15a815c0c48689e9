/**
 * What a run may do: patterns such as `git.*`, `docker.ps` or `*`. Several lists narrow each other; an action must be
 * in all of them.
 */

export type AllowList = readonly string[];

export function readAllowList(text: string): AllowList {
  return text
    .split(",")
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== "");
}

/** A pattern is `actor.action`, either half `*`, or a lone `*`; anything else would silently match nothing. */
export function allowFault(pattern: string): string | undefined {
  return /^(?:\*|(?:\*|[a-z0-9_]+)\.(?:\*|[a-z0-9_]+\*?))$/.test(pattern)
    ? undefined
    : `"${pattern}" is not a pattern such as git.* or docker.ps`;
}

function matches(pattern: string, actor: string, name: string): boolean {
  if (pattern === "*") return true;
  const [wantedActor = "", wantedName = ""] = pattern.split(".");
  if (wantedActor !== "*" && wantedActor !== actor) return false;
  if (wantedName.endsWith("*")) return name.startsWith(wantedName.slice(0, -1));
  return wantedName === name;
}

export function isAllowed(lists: readonly AllowList[], actor: string, name: string): boolean {
  return lists.every((list) => list.some((pattern) => matches(pattern, actor, name)));
}
