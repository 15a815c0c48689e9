/**
 * Two builds of everything: the one that lies here, and the recorded one of an earlier state (`npm run upgrade:baseline`),
 * unpacked into a folder of its own with this repository's modules of others.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as job from "@herorunner/job";
import * as newJob from "@herorunner/job";
import type * as trust from "@herorunner/job/trust";
import * as newTrust from "@herorunner/job/trust";
import { linkModules } from "../../scripts/upgrade/link-modules.mjs";
import { builtBin } from "../support/built.ts";

export type Program = "herorunner" | "herojob" | "herosupervisor";

export interface Build {
  readonly name: "old" | "new";
  /** Path of a bin, for node. */
  program(name: Program): string;
  readonly job: typeof job;
  readonly trust: typeof trust;
}

export interface Builds {
  readonly old: Build;
  readonly new: Build;
}

const baselines = join(import.meta.dirname, "baseline");

/** Unpacks below `folder`, which is the caller's to remove. */
export async function openBuilds(folder: string): Promise<Builds> {
  const [archive, ...others] = readdirSync(baselines).filter((name) => name.endsWith(".tgz"));
  if (archive === undefined || others.length > 0) {
    throw new Error("test/upgrade/baseline holds one build; npm run upgrade:baseline records it");
  }
  linkModules(folder);
  const ours = join(folder, "node_modules/@herorunner");
  mkdirSync(ours);
  execFileSync("tar", ["-xzf", join(baselines, archive), "-C", ours]);
  const load = (path: string): Promise<unknown> => import(pathToFileURL(join(ours, path)).href);
  return {
    old: {
      name: "old",
      program: (name) => join(ours, folderOf(name), "bin", `${name}.js`),
      // What differs between the builds is what these tests look for.
      job: (await load("job/dist/index.js")) as typeof job,
      trust: (await load("job/dist/trust/index.js")) as typeof trust,
    },
    new: { name: "new", program: builtBin, job: newJob, trust: newTrust },
  };
}

function folderOf(program: Program): string {
  return program === "herosupervisor" ? "supervisor" : program;
}
