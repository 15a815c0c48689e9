/** Who takes part. The first is the floor. */
import type { Entrant } from "./contender.ts";
import { bareC, bareNode, herorunner } from "./list-workers.ts";
import { bullmq, celery } from "./peers.ts";

export type EntrantList = readonly [Entrant, ...Entrant[]];

export interface EntrantOptions {
  readonly say: (line: string) => void;
  /** Names of those who are wanted beside the floor; everybody by default. */
  readonly only: readonly string[] | undefined;
}

/** `folder` takes what has to be compiled. */
export function entrants(folder: string, { say, only }: EntrantOptions): EntrantList {
  const ballast = new URL("programs/ballast.mjs", import.meta.url).href;
  const withBallast = { NODE_OPTIONS: `--import ${ballast}` };
  const all = [
    herorunner({ name: "herorunner" }),
    herorunner({ name: "herorunner group", args: ["--isolation", "group"] }),
    herorunner({ name: "herorunner signed", signed: true }),
    herorunner({ name: "herorunner +256 MB", env: withBallast }),
    herorunner({ name: "herorunner plain", args: ["--launcher", "plain"] }),
    herorunner({ name: "herorunner plain +256 MB", args: ["--launcher", "plain"], env: withBallast }),
    bareNode(),
    bullmq(),
    celery(say),
  ];
  const ifNamed = [
    herorunner({ name: "herorunner python", args: ["--launcher", "python"] }),
    herorunner({ name: "herorunner signed wasm", args: ["--signature-check", "wasm"], signed: true }),
  ];
  const chosen = (only === undefined ? all : [...all, ...ifNamed]).filter(
    (each): each is Entrant => each !== undefined && (only?.includes(each.name) ?? true),
  );
  return [bareC(folder), ...chosen];
}
