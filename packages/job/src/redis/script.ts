/** A Lua script with its SHA-1, and the pieces of Lua that several scripts share. */
import { createHash } from "node:crypto";

export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha1: string;
}

/**
 * `allowOom`: goes through on a full Redis, for whatever ends, puts back, removes or only reads. Without it: what brings new
 * work or its output. No script says `no-writes`, though many only read: a replica answers those, and it is its refusal that
 * has us look for the master again.
 */
export function script(name: string, body: string, options: { readonly allowOom?: boolean } = {}): Script {
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
  local added = again and redis.pcall('ZADD', recent, now, id) or redis.pcall('ZADD', recent, 'NX', now, id)
  if added ~= 0 then redis.pcall('ZREMRANGEBYRANK', recent, 0, -10001) end
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
 * Endings are counted by the minute for the last hour and by the quarter of an hour for the last day: one small hash for
 * each period, named by its letter and its number since 1970, which expires by itself.
 */
export const statsRings = [
  { letter: "m", periodMs: 60_000, periods: 60, keepSeconds: 7_200 },
  { letter: "q", periodMs: 900_000, periods: 96, keepSeconds: 93_600 },
] as const;
/** A week: nothing may run longer. */
const statsMostMs = 604_800_000;

/** `answer(reply, word)`: what a waiting client pops. It must hold one element, whatever a client made of it. */
export const answer = `
local function answer(reply, word)
  if redis.pcall('LPUSH', reply, word) ~= 1 then
    redis.call('DEL', reply)
    redis.call('LPUSH', reply, word)
  end
  redis.call('EXPIRE', reply, 3600)
end
`;

/** What `conclude` reads of a job; a caller that reads the hash anyway passes it these. */
export const concluded = "'finals', 'queued_at', 'dispatched_at'";

/**
 * `conclude(job, reply, id, status, fields, keep_s, by, finals, queued_at, dispatched_at)`: the one place where a job becomes
 * final, and hence where endings are counted (stats.ts reads them). Without `finals` it reads the last three itself. The
 * counts' keys are that of the reply with another name, so they are in the same slot; broken counts must not break a
 * transition, hence pcall. Needs `now`, `int` and `answer`.
 */
export const conclude = `
local function tally(base, names)
  for _, ring in ipairs({ ${statsRings.map(({ letter, periodMs, keepSeconds }) => `{ '${letter}', ${periodMs}, ${keepSeconds} }`).join(", ")} }) do
    local key = base .. ring[1] .. math.floor(now / ring[2])
    local counts = redis.call('HMGET', key, unpack(names))
    local counted = {}
    for i, name in ipairs(names) do
      counted[2 * i - 1], counted[2 * i] = name, int(counts[i], 0, 1e15) + 1
    end
    redis.call('HSET', key, unpack(counted))
    if counted[2] == 1 then redis.call('EXPIRE', key, ring[3]) end
  end
end
local function conclude(job, reply, id, status, fields, keep_s, by, finals, queued_at, dispatched_at)
  if finals == nil then finals, queued_at, dispatched_at = unpack(redis.call('HMGET', job, ${concluded})) end
  local names = { status }
  local function bucket(name, ms) names[#names + 1] = name .. math.floor(2 * math.log(ms + 1) / math.log(2)) end
  for i = 1, #fields, 2 do
    if fields[i] == 'reason' then names[#names + 1] = 'r:' .. fields[i + 1] end
    if fields[i] == 'duration_ms' then bucket('d', int(fields[i + 1], 0, ${statsMostMs})) end
  end
  local from, to = tonumber(queued_at or ''), tonumber(dispatched_at or '')
  if from and to then bucket('w', int(tostring(to - from), 0, ${statsMostMs})) end
  for i, value in ipairs({ 'status', status, 'finished_at', now, 'done_token', by, 'token', '', 'finals', int(finals, 0, 1000000) + 1 }) do
    fields[#fields + 1] = value
  end
  redis.call('HDEL', job, ${outcomeFields.map((name) => `'${name}'`).join(", ")})
  redis.call('HSET', job, unpack(fields))
  answer(reply, status)
  if tonumber(keep_s) > 0 then redis.call('EXPIRE', job, keep_s) end
  pcall(tally, string.sub(reply, 1, #reply - #id - #'reply:') .. 'stats:', names)
end
`;

/**
 * `append(stream, keep, first, last)`: adds the entries in ARGV[first…last] (stream offset data)… to a job's log. `seq` goes
 * on where the last entry left off, over attempts too: a reader that asks for "after 17" misses nothing. Needs `int`.
 */
export const log = `
local function append(stream, keep, first, last)
  local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  local seq = 0
  for i = 1, newest and #newest[2] or 0, 2 do
    if newest[2][i] == 'seq' then seq = int(newest[2][i + 1], 0, 1e15) end
  end
  for i = first, last, 3 do
    seq = seq + 1
    redis.call('XADD', stream, 'MAXLEN', keep, '*', 'stream', ARGV[i], 'seq', seq, 'offset', ARGV[i + 1], 'data', ARGV[i + 2])
  end
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
