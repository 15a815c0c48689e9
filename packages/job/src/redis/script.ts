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

/**
 * Endings are counted in rings of slots, the last hour by the minute and the last day by the quarter of an hour: slot
 * `letter .. period % slots` of the hash holds JSON with the number of its period in `t`, so that an old one is known.
 */
export const statsRings = [
  { letter: "m", periodMs: 60_000, slots: 60 },
  { letter: "q", periodMs: 900_000, slots: 96 },
] as const;
/** A week: nothing may run longer. */
const statsMostMs = 604_800_000;
/** Honest slots stay below 3 KiB. */
export const statsMaxSlotBytes = 16_384;

/** `answer(reply, word)`: what a waiting client pops. Deleted first: it must hold one element, whatever a client made of it. */
export const answer = `
local function answer(reply, word)
  redis.call('DEL', reply)
  redis.call('LPUSH', reply, word)
  redis.call('EXPIRE', reply, 3600)
end
`;

/**
 * `conclude(job, reply, id, status, fields, keep_s, by)`: the one place where a job becomes final, and hence where endings are
 * counted (stats.ts reads them). The counts' key is that of the reply with another name, so it is in the same slot; broken
 * counts must not break a transition, hence pcall. Needs `now`, `int` and `answer`.
 */
export const conclude = `
local function tally(stats, job, status)
  local seen = redis.call('HMGET', job, 'reason', 'queued_at', 'dispatched_at', 'duration_ms')
  local found = { status }
  local function add(name, ms) found[#found + 1] = name .. math.floor(2 * math.log(ms + 1) / math.log(2)) end
  if status == 'error' then found[2] = 'r:' .. (seen[1] or '') end
  if seen[2] and seen[3] then add('w', int(tostring(tonumber(seen[3]) - tonumber(seen[2])), 0, ${statsMostMs})) end
  if seen[4] then add('d', int(seen[4], 0, ${statsMostMs})) end
  for _, ring in ipairs({ ${statsRings.map(({ letter, periodMs, slots }) => `{ '${letter}', ${periodMs}, ${slots} }`).join(", ")} }) do
    local period = math.floor(now / ring[2])
    local field = ring[1] .. period % ring[3]
    local read, slot = false, nil
    if redis.call('HSTRLEN', stats, field) <= ${statsMaxSlotBytes} then read, slot = pcall(cjson.decode, redis.call('HGET', stats, field) or '') end
    if not read or type(slot) ~= 'table' or slot.t ~= period then slot = { t = period } end
    for _, name in ipairs(found) do slot[name] = (tonumber(slot[name]) or 0) + 1 end
    redis.call('HSET', stats, field, cjson.encode(slot))
  end
  redis.call('EXPIRE', stats, 172800)
end
local function conclude(job, reply, id, status, fields, keep_s, by)
  local finals = int(redis.call('HGET', job, 'finals'), 0, 1000000)
  redis.call('HDEL', job, ${outcomeFields.map((name) => `'${name}'`).join(", ")})
  if #fields > 0 then redis.call('HSET', job, unpack(fields)) end
  redis.call('HSET', job, 'status', status, 'finished_at', now, 'done_token', by, 'token', '', 'finals', finals + 1)
  answer(reply, status)
  if tonumber(keep_s) > 0 then redis.call('EXPIRE', job, keep_s) end
  pcall(tally, string.sub(reply, 1, #reply - #id - #'reply:') .. 'stats', job, status)
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
