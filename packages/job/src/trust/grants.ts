/**
 * What the signers of one job may do together. A privilege is held when as many signers hold it as the job needs
 * signatures: with a threshold of two, one careless signer cannot lend a right that a second one lacks, and a further
 * signature never takes a right away.
 */
import type { Signer } from "./trust-file.ts";

/** The actions a script asks for, as found by the parser that `hero` itself uses. */
export interface ListedActions {
  /** `actor.action`, in document order. */
  readonly actions: readonly string[];
  /** False when the script has any problem: what is not understood is not granted. */
  readonly clean: boolean;
}

export interface Privileges {
  /** Patterns for `hero --allow`; undefined means every action. */
  readonly allowedActions: readonly string[] | undefined;
  readonly envUnsafe: boolean;
  /** How often the job may be started, at most. */
  readonly maxAttempts: number;
}

/** Does `name` match one of the patterns (a name, or a beginning with `*` at the end)? */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}

/** `signers` are those that counted, one entry per person, at least `threshold` of them. */
export function privilegesOf(signers: readonly Signer[], threshold: number): Privileges {
  const attempts = signers.map((signer) => signer.maxAttempts).sort((a, b) => b - a);
  return {
    allowedActions: sharedActions(signers, threshold),
    envUnsafe: signers.filter((signer) => signer.envUnsafe).length >= threshold,
    maxAttempts: attempts[threshold - 1] ?? 1,
  };
}

/**
 * The patterns that enough signers cover. Patterns that match one action are nested in each other, so the longest of
 * `threshold` such patterns is itself covered by enough signers: nothing is lost by looking at whole patterns.
 */
function sharedActions(signers: readonly Signer[], threshold: number): readonly string[] | undefined {
  const lists = signers.map((signer) => signer.actions ?? ["*"]);
  const covered = [...new Set(lists.flat())].filter(
    (pattern) => lists.filter((list) => list.some((wider) => covers(wider, pattern))).length >= threshold,
  );
  return covered.includes("*") ? undefined : covered;
}

/** Everything that `narrower` matches is matched by `wider`. */
function covers(wider: string, narrower: string): boolean {
  if (!wider.endsWith("*")) return wider === narrower;
  const start = narrower.endsWith("*") ? narrower.slice(0, -1) : narrower;
  return start.startsWith(wider.slice(0, -1));
}

/** A sentence about the first thing in the script that is not granted, or undefined when all of it is. */
export function grantProblem(
  payload: string,
  privileges: Privileges,
  listActions: ((payload: string) => ListedActions) | undefined,
): string | undefined {
  const allowed = privileges.allowedActions;
  if (allowed === undefined) return undefined;
  if (allowed.length === 0) return "the signers share no action that all of them may use";
  const limits = `the signers may use ${allowed.join(", ")}`;
  if (listActions === undefined) return `${limits}, and this runner cannot look into scripts`;
  const listed = listActions(payload);
  if (!listed.clean) return `${limits}, and the script does not parse cleanly; run \`hero check\` on it`;
  const refused = listed.actions.find((action) => !matchesAny(action, allowed));
  return refused === undefined
    ? undefined
    : `${limits}, but the script asks for ${JSON.stringify(refused.slice(0, 200))}`;
}
