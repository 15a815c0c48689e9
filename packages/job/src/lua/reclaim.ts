/**
 * reclaim: takes an overdue job from an owner that is gone.
 *
 * KEYS active leases job queue reply dead events
 * ARGV id lease_end max_claims keep_s
 * →    LIVE (renewed or settled since the caller looked) · REQUEUED · FAILED · POISONED · FINAL · DEAD
 *
 * Promise: from `dispatched` a job goes back free of charge; from `started` only if it asked for more attempts.
 * To the right end of the queue: it has waited longest, so it is taken next.
 */
import { answer, bury, conclude, event, int, missing, now, script } from "../redis/script.ts";

export const reclaim = script(
  "reclaim",
  `
${now}${int}${event}${answer}${conclude}${bury}${missing}
local active, leases, job, queue, reply, dead, events = unpack(KEYS)
local id, lease_end, max_claims, keep_s = unpack(ARGV)
local current = redis.call('ZSCORE', leases, id)
if not current or current ~= lease_end or tonumber(current) > now then return 'LIVE' end
redis.call('ZREM', leases, id)
local taken = redis.call('LREM', active, -1, id) > 0

local kind = redis.call('TYPE', job).ok
if kind ~= 'hash' then
  bury(dead, id)
  if kind == 'none' then missing(job, reply, id) else answer(reply, 'error') end
  return 'DEAD'
end
local seen = redis.call('HMGET', job, 'status', 'attempt', 'claims', 'max_attempts', 'owner', 'cancel')
if seen[1] == 'finished' or seen[1] == 'error' then return 'FINAL' end
local function fail(reason, sentence, word)
  conclude(job, reply, id, 'error', { 'reason', reason, 'error', sentence }, keep_s, 'reaper')
  event(events, id, 'error', reason)
  return word or 'FAILED'
end
local attempt, attempts = int(seen[2], 0, 1000), int(seen[4], 1, 10)
local claims = int(seen[3], 0, 1000000)
if seen[6] == '1' and seen[1] ~= 'started' then return fail('cancelled', 'cancelled before it was started') end
if seen[1] == 'started' and attempt >= attempts then
  return fail('runner_lost', 'the runner ' .. (seen[5] or '?') .. ' was lost while the job ran (attempt ' .. attempt .. ' of '
    .. attempts .. '); it may have done part of its work')
end
if claims >= math.max(tonumber(max_claims), attempts) then
  return fail('poisoned', 'claimed ' .. claims .. ' times without coming to an end; look at what it does to its runners', 'POISONED')
end
if not taken and redis.call('LPOS', queue, id) then return 'LIVE' end -- it waits already; only the lease was a leftover
redis.call('HSET', job, 'status', 'queued', 'token', '')
redis.call('RPUSH', queue, id)
event(events, id, 'queued', 'reclaimed')
return 'REQUEUED'
`,
  { allowOom: true },
);
