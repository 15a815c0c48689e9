/**
 * begin: a taken id becomes a claim (`dispatched`), or is put aside.
 *
 * KEYS active leases job dead reply events recent
 * ARGV id token lease_ms owner max_claims max_bytes keep_s
 * →    {OK, claims, bytes, field, value, …}   ours now; above max_bytes without fields
 *      {MISSING}                              no hash (yet); the id stays in active
 *      {GONE}                                 the id is not in active (any more): somebody put it back meanwhile
 *      {WRONGTYPE} {FINAL} {DUPLICATE} {POISONED} {CANCELLED} {LOST}   put aside; take the next one
 *
 * Promise: at most one token speaks for a job. A started job without a lease is never claimed again beyond its attempts.
 */
import { answer, bury, conclude, event, int, now, remember, script } from "../redis/script.ts";

export const begin = script(
  "begin",
  `
${now}${int}${event}${answer}${conclude}${bury}${remember}
local active, leases, job, dead, reply, events, recent = unpack(KEYS)
local id, token, lease_ms, owner, max_claims, max_bytes, keep_s = unpack(ARGV)

local places = #redis.call('LPOS', active, id, 'COUNT', 2)
if places == 0 then return { 'GONE' } end
local kind = redis.call('TYPE', job).ok
if kind == 'none' then return { 'MISSING' } end
if kind ~= 'hash' then
  redis.call('LREM', active, -1, id)
  redis.call('ZREM', leases, id)
  bury(dead, id)
  answer(reply, 'error')
  return { 'WRONGTYPE' }
end

local seen = redis.call('HMGET', job, 'status', 'token', 'claims', 'cancel', 'attempt', 'max_attempts', 'owner', 'queued_at')
local status = seen[1]
if status == 'finished' or status == 'error' then
  redis.call('LREM', active, -1, id)
  redis.call('ZREM', leases, id)
  return { 'FINAL' }
end
local leased = redis.call('ZSCORE', leases, id)
if seen[2] and seen[2] ~= '' and leased and seen[2] ~= token then
  -- The same id was pushed twice; its owner goes on, and keeps its own place in active.
  if places > 1 then redis.call('LREM', active, -1, id) end
  return { 'DUPLICATE' }
end

-- A job that was pushed without the SDK is seen here for the first time.
remember(recent, id, not seen[8] and int(seen[3], 0, 1000000) == 0)

local function aside(reason, sentence)
  conclude(job, reply, id, 'error', { 'reason', reason, 'error', sentence }, keep_s, 'queue')
  redis.call('LREM', active, -1, id)
  redis.call('ZREM', leases, id)
  event(events, id, 'error', reason)
end

local claims = int(seen[3], 0, 1000000)
if seen[2] ~= token then
  if seen[4] == '1' then
    aside('cancelled', 'cancelled before it was started')
    return { 'CANCELLED' }
  end
  local attempt, attempts = int(seen[5], 0, 1000), int(seen[6], 1, 10)
  if status == 'started' and attempt >= attempts then
    aside('runner_lost', 'the runner ' .. (seen[7] or '?') .. ' was lost after the start (attempt ' .. attempt .. ' of ' .. attempts .. ')')
    return { 'LOST' }
  end
  claims = claims + 1
  if claims > math.max(tonumber(max_claims), int(seen[6], 1, 10)) then
    aside('poisoned', 'claimed ' .. (claims - 1) .. ' times without coming to an end; look at what it does to its runners')
    return { 'POISONED' }
  end
  redis.call('HSET', job, 'status', 'dispatched', 'token', token, 'owner', owner, 'claims', claims, 'dispatched_at', now)
  event(events, id, 'dispatched')
end
redis.call('ZADD', leases, now + lease_ms, id)

local found = { 'OK', claims, 0 }
local bytes = 0
if redis.call('HLEN', job) > 1000 then
  found[3] = redis.call('HLEN', job) * 1000000
  return found
end
for _, name in ipairs(redis.call('HKEYS', job)) do bytes = bytes + #name + redis.call('HSTRLEN', job, name) end
found[3] = bytes
if bytes > tonumber(max_bytes) then return found end
local fields = redis.call('HGETALL', job)
for i = 1, #fields do found[i + 3] = fields[i] end
return found
`,
);
