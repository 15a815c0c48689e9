/**
 * Every Redis key, and who writes it. Nothing else in the repository spells a key.
 * The hash tag `{<runner>}` keeps all keys of a runner in one slot of a Redis Cluster.
 */

export const defaultKeyPrefix = "hero:";

/** Runner ids, job ids, caller and context ids. Narrow on purpose: they appear in keys, logs and file names. */
export const idPattern = /^[A-Za-z0-9._-]{1,128}$/;

export interface RunnerKeys {
  readonly prefix: string;
  readonly runner: string;
  /** hash: client fields and system fields of one job */
  job(id: string): string;
  /** list of waiting ids: clients LPUSH, runners take from the right */
  readonly queue: string;
  /** list of ids taken and not final */
  readonly active: string;
  /** zset: id to lease end, ms of Redis time */
  readonly leases: string;
  /** list of ids that cannot be run, newest first, at most 1000 */
  readonly dead: string;
  /** list with one element, the final status; expires after an hour */
  reply(id: string): string;
  /** stream of live output, capped; expires with the job */
  log(id: string): string;
  /** string: replay guard of a signed job */
  seen(id: string): string;
  /** zset of live processes that serve this runner id, by time of their last word */
  readonly instances: string;
  /** hash with TTL: host, pid, version, slots … of one process */
  instance(owner: string): string;
  /** pub/sub channel for wake-ups; the truth is always a field */
  readonly control: string;
  /** capped stream of state changes; a convenience, never the truth */
  readonly events: string;
  /** hash: `paused` */
  readonly settings: string;
  /** zset: the newest job ids, at most 10 000, by the time they were queued or first taken; for listings only */
  readonly recent: string;
  /** hash with TTL: endings of one minute (`m` and its number since 1970) or quarter of an hour (`q`); for plots only */
  stats(period: string): string;
}

export function keysOf(runner: string, prefix: string = defaultKeyPrefix): RunnerKeys {
  if (!idPattern.test(runner)) {
    throw new TypeError(`runner id ${JSON.stringify(runner)} does not match ${idPattern.source}`);
  }
  const base = `${prefix}{${runner}}:`;
  return {
    prefix,
    runner,
    job: (id) => `${base}job:${id}`,
    queue: `${base}queue`,
    active: `${base}active`,
    leases: `${base}leases`,
    dead: `${base}dead`,
    reply: (id) => `${base}reply:${id}`,
    log: (id) => `${base}log:${id}`,
    seen: (id) => `${base}seen:${id}`,
    instances: `${base}instances`,
    instance: (owner) => `${base}instance:${owner}`,
    control: `${base}control`,
    events: `${base}events`,
    settings: `${base}settings`,
    recent: `${base}recent`,
    stats: (period) => `${base}stats:${period}`,
  };
}

/** hash: runner id to JSON, written by the supervisor and by runners that register themselves */
export function registryKey(prefix: string = defaultKeyPrefix): string {
  return `${prefix}runners`;
}

/** hash: key id to JSON with the hash of an API key, and hash: key id to its last use; written by the supervisor */
export function apiKeysKeys(prefix: string = defaultKeyPrefix): {
  readonly keys: string;
  readonly uses: string;
} {
  return { keys: `${prefix}keys`, uses: `${prefix}key-uses` };
}

/** string with TTL: who is logged in to the page; written by the supervisor, under the hash of the cookie */
export function sessionKey(digest: string, prefix: string = defaultKeyPrefix): string {
  return `${prefix}session:${digest}`;
}

/** string with TTL: job id to runner id; written by the client SDK and the supervisor */
export function indexKey(id: string, prefix: string = defaultKeyPrefix): string {
  return `${prefix}index:${id}`;
}
