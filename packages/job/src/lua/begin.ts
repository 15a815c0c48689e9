/**
 * begin: a taken id becomes a claim (`dispatched`), or is put aside.
 *
 * KEYS active leases job dead reply events
 * ARGV id token lease_ms owner max_claims max_bytes keep_s
 * →    {OK, claims, bytes, field, value, …}   ours now; above max_bytes without fields
 *      {MISSING}                              no hash (yet); the id stays in active
 *      {WRONGTYPE} {FINAL} {DUPLICATE} {POISONED} {CANCELLED} {LOST}   put aside; take the next one
 *
 * Promise: at most one token speaks for a job. A started job without a lease is never claimed again beyond its attempts.
 */
import { bury, conclude, event, int, now, script } from "../redis/script.ts";

export const begin = script(
  "begin",
  `
${now}${int}${event}${conclude}${bury}
local active, leases, job, dead, reply, events = unpack(KEYS)
local id, token, lease_ms, owner, max_claims, max_bytes, keep_s = unpack(ARGV)

local kind = redis.call('TYPE', job).ok
if kind == 'none' then return { 'MISSING' } end
if kind ~= 'hash' then
  redis.call('LREM', active, -1, id)
  bury(dead, id)
  redis.call('DEL', reply)
  redis.call('LPUSH', reply, 'error')
  redis.call('EXPIRE', reply, 3600)
  return { 'WRONGTYPE' }
end

local seen = redis.call('HMGET', job, 'status', 'token', 'claims', 'cancel', 'attempt', 'max_attempts', 'owner')
local status = seen[1]
if status == 'finished' or status == 'error' then
  redis.call('LREM', active, -1, id)
  return { 'FINAL' }
end
local leased = redis.call('ZSCORE', leases, id)
if seen[2] and seen[2] ~= '' and leased and seen[2] ~= token then
  redis.call('LREM', active, -1, id) -- the same id was pushed twice; its owner goes on
  return { 'DUPLICATE' }
end

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
  if claims > tonumber(max_claims) then
    aside('poisoned', 'claimed ' .. (claims - 1) .. ' times without coming to an end; look at what it does to its runners')
    return { 'POISONED' }
  end
  redis.call('HSET', job, 'status', 'dispatched', 'token', token, 'owner', owner, 'claims', claims, 'dispatched_at', now)
  event(events, id, 'dispatched')
end
redis.call('ZADD', leases, now + lease_ms, id)

local answer = { 'OK', claims, 0 }
local bytes = 0
if redis.call('HLEN', job) > 1000 then
  answer[3] = redis.call('HLEN', job) * 1000000
  return answer
end
for _, name in ipairs(redis.call('HKEYS', job)) do bytes = bytes + #name + redis.call('HSTRLEN', job, name) end
answer[3] = bytes
if bytes > tonumber(max_bytes) then return answer end
local fields = redis.call('HGETALL', job)
for i = 1, #fields do answer[i + 3] = fields[i] end
return answer
`,
);
