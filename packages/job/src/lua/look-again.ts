/**
 * lookAgain: what to do with a taken id that had no hash.
 *
 * KEYS active leases job queue dead reply events
 * ARGV id last ("1": give up now)
 * →    REQUEUED (the hash has come, or the id is no longer ours: somebody else may hold it) · WAIT · DEAD
 */
import { answer, bury, conclude, event, int, missing, now, script } from "../redis/script.ts";

export const lookAgain = script(
  "look-again",
  `
${now}${int}${event}${answer}${conclude}${bury}${missing}
local active, leases, job, queue, dead, reply, events = unpack(KEYS)
local id, last = unpack(ARGV)
if redis.call('TYPE', job).ok ~= 'none' then
  local held = redis.pcall('HGET', job, 'token')
  if type(held) == 'string' and held ~= '' then return 'REQUEUED' end
  if redis.call('LREM', active, -1, id) > 0 then
    redis.call('ZREM', leases, id) -- an adoption may have given it one
    redis.call('RPUSH', queue, id)
  end
  return 'REQUEUED'
end
if last ~= '1' then return 'WAIT' end
if redis.call('LREM', active, -1, id) == 0 then return 'REQUEUED' end -- a reaper was quicker
redis.call('ZREM', leases, id)
bury(dead, id)
missing(job, reply, id)
event(events, id, 'error', 'missing')
return 'DEAD'
`,
  { allowOom: true },
);
