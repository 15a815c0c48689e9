/**
 * What both ways of installing share: asking apt, in plain English and without questions, for the first package
 * that brings a server new enough. Nothing here changes the system.
 */
import { readdir } from "node:fs/promises";
import { run } from "../command.mjs";
import { isNewEnough, serverNames } from "./find.mjs";

export const systemLists = "/var/lib/apt/lists";

/**
 * @typedef {object} Apt
 * @property {NodeJS.ProcessEnv} env
 * @property {readonly string[]} options `-o Name=value` pairs for every call.
 * @property {AbortSignal | undefined} signal
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv} The environment for apt and dpkg: no questions, no translations, no restarts of services.
 */
export function aptEnvironment(env) {
  return {
    ...env,
    PATH: `${env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
    LC_ALL: "C",
    DEBIAN_FRONTEND: "noninteractive",
    NEEDRESTART_SUSPEND: "1",
  };
}

/**
 * @param {Apt} apt
 * @param {readonly string[]} args
 */
export function aptGet(apt, args) {
  return run("apt-get", [...apt.options, "-q", "-y", ...args], { env: apt.env, signal: apt.signal });
}

/**
 * The package to install and its version, or undefined when the lists know none that is new enough.
 * @param {Apt} apt
 * @returns {Promise<{ name: string, version: string } | undefined>}
 */
export async function candidate(apt) {
  for (const name of serverNames) {
    const policy = await run("apt-cache", [...apt.options, "policy", name], {
      env: apt.env,
      signal: apt.signal,
    });
    const version = /^ {2}Candidate: (\S+)$/m.exec(policy.stdout)?.[1];
    if (version !== undefined && version !== "(none)" && isNewEnough(version)) return { name, version };
  }
  return undefined;
}

/** Whether this folder holds package lists; fresh container images come without. */
export async function hasLists(folder = systemLists) {
  try {
    return (await readdir(folder)).some((name) => name.includes("_Packages"));
  } catch {
    return false;
  }
}
