/**
 * begin: ids become claims (`dispatched`), or are put aside: one that was taken before, then as many from the queue as
 * there are tokens left.
 *
 * KEYS queue active leases dead events recent
 * ARGV job_prefix reply_prefix owner lease_ms max_claims max_bytes keep_s taken_id how token…
 *      taken_id, if not empty, is in active and has the first token
 *      how = behind: sent behind a BLMOVE before that has answered; the first token is for the first job in active that
 *      nobody holds then, and nothing is done where there is none. It may be that of another process
 *      how = empty: the one that was taken is the empty id
 *      how = again: the answer to a call with the same tokens was lost, so ids that have one of them by now are found
 *      and handed out once more
 * →    {exhausted, {id, OK, token, claims, bytes, {field, value, …}}…}   ours now; above max_bytes without fields
 *      and between them {id, word} of those that are none:
 *      MISSING     no hash (yet); the id stays in active
 *      GONE        the id is not in active (any more): somebody put it back meanwhile
 *      HELD        somebody else has made a claim of it, which a call behind a BLMOVE may
 *      NOT_AN_ID WRONGTYPE FINAL DUPLICATE POISONED CANCELLED LOST   put aside
 *      exhausted = 1: nothing waits
 *
 * Promise: at most one token speaks for a job. A started job without a lease is never claimed again beyond its attempts.
 */
import { answer, bury, conclude, event, int, now, remember, script } from "../redis/script.ts";

/** One call takes no longer than this many ids, or this many bytes of jobs, however much waits. */
const mostIds = 100;
const mostBytes = 1_048_576;

export const begin = script(
  "begin",
  `
local queue, active, leases, dead, events, recent = unpack(KEYS)
local job_prefix, reply_prefix, owner, lease_ms, max_claims, max_bytes, keep_s, taken_id, how = unpack(ARGV)
max_bytes = tonumber(max_bytes)

if how == 'behind' then
  -- BLMOVE puts it there; others that were taken meanwhile may stand before it. Whatever is odd is left to a call that names it.
  for _, id in ipairs(redis.call('LRANGE', active, 0, 31)) do
    local seen = redis.pcall('HMGET', job_prefix .. id, 'payload', 'token')
    if seen[1] and (not seen[2] or seen[2] == '') and not redis.call('ZSCORE', leases, id) then
      taken_id = id
      break
    end
  end
  if taken_id == '' then return { 1 } end
end
${now}${int}${event}${answer}${conclude}${bury}${remember}

local function leave(id)
  redis.call('LREM', active, -1, id)
  redis.call('ZREM', leases, id)
end

local function fields_of(job, count)
  if count > 1000 then return count * 1000000, {} end
  -- An upper bound in one call; where it is not permitted, or too much, each field is measured.
  local bytes = redis.pcall('MEMORY', 'USAGE', job, 'SAMPLES', '0')
  if type(bytes) ~= 'number' or bytes > max_bytes then
    bytes = 0
    for _, name in ipairs(redis.call('HKEYS', job)) do bytes = bytes + #name + redis.call('HSTRLEN', job, name) end
    if bytes > max_bytes then return bytes, {} end
  end
  return bytes, redis.call('HGETALL', job)
end

local function begin(id, token)
  if #id > 128 or not string.find(id, '^[A-Za-z0-9._-]+$') then
    leave(id)
    bury(dead, id)
    return 'NOT_AN_ID'
  end
  local job, reply = job_prefix .. id, reply_prefix .. id
  local count = redis.pcall('HLEN', job)
  if count == 0 then
    -- Until whoever took it has looked again, nobody else may; where that one dies, the lease is over soon.
    redis.call('ZADD', leases, 'NX', now + 2000, id)
    return 'MISSING'
  end
  if type(count) ~= 'number' then
    if redis.call('TYPE', job).ok == 'hash' then error(count.err) end
    leave(id)
    bury(dead, id)
    answer(reply, 'error')
    return 'WRONGTYPE'
  end
  local seen = redis.call('HMGET', job, 'status', 'token', 'claims', 'cancel', 'attempt', 'max_attempts', 'owner', 'queued_at')
  local status, held = seen[1], seen[2]
  if status == 'finished' or status == 'error' then
    leave(id)
    return 'FINAL'
  end
  if held and held ~= '' and held ~= token and redis.call('ZSCORE', leases, id) then
    if #redis.call('LPOS', active, id, 'COUNT', 2) == 1 then return 'HELD' end
    redis.call('LREM', active, -1, id) -- pushed twice; its owner goes on, and keeps its own place
    return 'DUPLICATE'
  end

  -- A job that was pushed without the SDK is seen here for the first time.
  remember(recent, id, not seen[8] and int(seen[3], 0, 1000000) == 0)

  local function aside(reason, sentence)
    conclude(job, reply, id, 'error', { 'reason', reason, 'error', sentence }, keep_s, 'queue')
    leave(id)
    event(events, id, 'error', reason)
  end

  local claims = int(seen[3], 0, 1000000)
  if held ~= token then
    if seen[4] == '1' then
      aside('cancelled', 'cancelled before it was started')
      return 'CANCELLED'
    end
    local attempt, attempts = int(seen[5], 0, 1000), int(seen[6], 1, 10)
    if status == 'started' and attempt >= attempts then
      aside('runner_lost', 'the runner ' .. (seen[7] or '?') .. ' was lost after the start (attempt ' .. attempt .. ' of ' .. attempts .. ')')
      return 'LOST'
    end
    claims = claims + 1
    if claims > math.max(tonumber(max_claims), attempts) then
      aside('poisoned', 'claimed ' .. (claims - 1) .. ' times without coming to an end; look at what it does to its runners')
      return 'POISONED'
    end
    redis.call('HSET', job, 'status', 'dispatched', 'token', token, 'owner', owner, 'claims', claims, 'dispatched_at', now)
    event(events, id, 'dispatched')
  end
  redis.call('ZADD', leases, now + lease_ms, id)
  return 'OK', token, claims, fields_of(job, count + 5)
end

local found, bytes, used = { 0 }, 0, {}
local function take(id, token)
  local one = { id, begin(id, token) }
  found[#found + 1] = one
  bytes = bytes + (one[6] and #one[6] > 0 and one[5] or 0)
  return one[2] == 'OK'
end

if how == 'again' then
  local mine = {}
  for at = 10, #ARGV do mine[ARGV[at]] = true end
  for _, id in ipairs(redis.call('LRANGE', active, 0, 9999)) do
    local token = id ~= taken_id and redis.pcall('HGET', job_prefix .. id, 'token')
    if token and mine[token] and not used[token] and take(id, token) then used[token] = true end
  end
end
if taken_id ~= '' or how == 'empty' then
  -- Another job may have the first token, where the answer to a call behind a BLMOVE was lost.
  local at = 10
  while used[ARGV[at]] do at = at + 1 end
  local there = redis.call('LPOS', active, taken_id)
  if there and ARGV[at] then take(taken_id, ARGV[at]) else found[#found + 1] = { taken_id, 'GONE' } end
  if ARGV[at] then used[ARGV[at]] = true end
end
for at = 10, #ARGV do
  local token = ARGV[at]
  while not used[token] and #found < ${mostIds} and bytes < ${mostBytes} do
    local id = redis.call('LMOVE', queue, active, 'RIGHT', 'LEFT')
    if not id then
      found[1] = 1
      return found
    end
    used[token] = take(id, token)
  end
end
return found
`,
);
