/** A Lua script with its SHA-1, and the pieces of Lua that several scripts share. */
import { createHash } from "node:crypto";

export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha1: string;
}

export function script(name: string, body: string, options: { readonly allowOom?: boolean } = {}): Script {
  // A full Redis must not make healthy runners look dead: renewals and endings go through (needs Redis 7).
  const source = `${options.allowOom === true ? "#!lua flags=allow-oom\n" : "#!lua\n"}${body.trim()}\n`;
  return { name, source, sha1: createHash("sha1").update(source).digest("hex") };
}

/** `now`: Redis time in ms. No runner's clock takes part in leases. */
export const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** `int(text, low, high)`: clients own the hash, so a number field may hold anything: text, NaN, infinity. */
export const int = `
local function int(text, low, high)
  local n = tonumber(text or '')
  if not n or n ~= n then return low end
  return math.min(math.max(math.floor(n), low), high)
end
`;

/** `event(key, id, status, reason)`: tells followers; a broken events key must not break a transition, hence pcall. */
export const event = `
local function event(key, id, status, reason)
  redis.pcall('XADD', key, 'MAXLEN', '~', '10000', '*', 'id', id, 'status', status, 'reason', reason or '')
end
`;

/**
 * `remember(recent, id, again)`: puts an id into the index that listings read, newest last, at most 10 000. An id that is
 * there keeps its place unless `again`. A broken index must not break a transition, hence pcall. Needs `now`.
 */
export const remember = `
local function remember(recent, id, again)
  if again then redis.pcall('ZADD', recent, now, id) else redis.pcall('ZADD', recent, 'NX', now, id) end
  redis.pcall('ZREMRANGEBYRANK', recent, 0, -10001)
end
`;

/** Fields that describe an ending. They are cleared before an outcome is written, because a client may have put anything there. */
export const outcomeFields = [
  ...[
    "reason",
    "result",
    "stderr",
    "error",
    "exit_code",
    "signal",
    "duration_ms",
    "stdout_bytes",
    "stderr_bytes",
  ],
  ...[
    "dropped_bytes",
    "reaped",
    "isolation",
    "signers",
    "kill",
    "stdout_sha256",
    "stderr_sha256",
    "masked",
    "receipt",
  ],
] as const;

/** `answer(reply, word)`: what a waiting client pops. Deleted first: it must hold one element, whatever a client made of it. */
export const answer = `
local function answer(reply, word)
  redis.call('DEL', reply)
  redis.call('LPUSH', reply, word)
  redis.call('EXPIRE', reply, 3600)
end
`;

/**
 * `conclude(job, reply, id, status, fields, keep_s, by)`: the one place where a job becomes final. Needs `answer`.
 */
export const conclude = `
local function conclude(job, reply, id, status, fields, keep_s, by)
  local finals = int(redis.call('HGET', job, 'finals'), 0, 1000000)
  redis.call('HDEL', job, ${outcomeFields.map((name) => `'${name}'`).join(", ")})
  if #fields > 0 then redis.call('HSET', job, unpack(fields)) end
  redis.call('HSET', job, 'status', status, 'finished_at', now, 'done_token', by, 'token', '', 'finals', finals + 1)
  answer(reply, status)
  if tonumber(keep_s) > 0 then redis.call('EXPIRE', job, keep_s) end
end
`;

/** `bury(dead, id)`: ids that cannot be run, newest first, at most 1000. */
export const bury = `
local function bury(dead, id)
  redis.call('LPUSH', dead, id)
  redis.call('LTRIM', dead, 0, 999)
end
`;

/** `missing(job, reply, id)`: the record that a waiting client finds when an id was pushed and its hash never came. */
export const missing = `
local function missing(job, reply, id)
  redis.call('HSET', job, 'id', id)
  conclude(job, reply, id, 'error', { 'reason', 'missing', 'error',
    'the id was pushed to the queue but its hash was never written; write the hash first, then push the id' }, 3600, 'queue')
end
`;
