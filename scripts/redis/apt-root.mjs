/**
 * Debian and Ubuntu as root: installs the server's package with apt-get, and sees to it that the package's own
 * service neither starts now nor at the next boot. What we start later is private and listens on no port.
 */
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { lastWords, run } from "../command.mjs";
import { aptEnvironment, aptGet, candidate, hasLists } from "./apt.mjs";

const policyPath = "/usr/sbin/policy-rc.d";
const lockWait = ["-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=2"];

/**
 * @param {{ env: NodeJS.ProcessEnv, signal?: AbortSignal | undefined }} options
 * @returns {Promise<void>} Rejects with a sentence when the package could not be installed.
 */
export async function installAsRoot({ env, signal }) {
  const apt = { env: aptEnvironment(env), options: lockWait, signal };
  let chosen = (await hasLists()) ? await candidate(apt) : undefined;
  if (chosen === undefined) {
    await aptGet(apt, ["update"]);
    chosen = await candidate(apt);
  }
  if (chosen === undefined) throw new Error("the package lists know no Redis or Valkey that is new enough");
  const { name } = chosen;
  if (await isInstalled(name, apt.env)) {
    throw new Error(`${name} is installed already, and replacing it could disturb a running service`);
  }
  const withdrawPolicy = await refuseService(name);
  try {
    const install = ["--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", "install", name];
    let done = await aptGet(apt, install);
    if (done.code !== 0) {
      await aptGet(apt, ["update"]);
      done = await aptGet(apt, install);
    }
    if (done.code !== 0) throw new Error(`apt-get install ${name} failed:\n${lastWords(done)}`);
  } finally {
    await withdrawPolicy();
  }
  await disableService(name, apt.env);
}

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
async function isInstalled(name, env) {
  const query = await run("dpkg-query", ["-W", "-f=${Status}", name], { env });
  return query.stdout.includes(" installed");
}

/**
 * Debian asks policy-rc.d before it starts a service. Ours refuses this one service only, so that it does no
 * harm even if we are killed before we can take it away. A policy that is there already is left as it is.
 * @param {string} service
 * @returns {Promise<() => Promise<void>>}
 */
async function refuseService(service) {
  if (existsSync(policyPath)) return async () => undefined;
  const policy = [
    "#!/bin/sh",
    `# Written by herorunner while it installs ${service}: that service is not to be started. May be deleted.`,
    `for word in "$@"; do case "$word" in ${service}|${service}.service) exit 101;; esac; done`,
    "exit 0",
    "",
  ].join("\n");
  await writeFile(policyPath, policy, { mode: 0o755, flag: "wx" });
  return () => rm(policyPath, { force: true });
}

/**
 * @param {string} service
 * @param {NodeJS.ProcessEnv} env
 */
async function disableService(service, env) {
  if (existsSync("/run/systemd/system")) {
    await run("systemctl", ["disable", "--now", service], { env });
    return;
  }
  await run("update-rc.d", [service, "disable"], { env });
  await run("service", [service, "stop"], { env });
}
