/**
 * lookAgain: what to do with a taken id that had no hash.
 *
 * KEYS active job queue dead reply events
 * ARGV id last ("1": give up now)
 * →    REQUEUED (the hash has come) · WAIT · DEAD
 */
import { bury, conclude, event, int, missing, now, script } from "../redis/script.ts";

export const lookAgain = script(
  "look-again",
  `
${now}${int}${event}${conclude}${bury}${missing}
local active, job, queue, dead, reply, events = unpack(KEYS)
local id, last = unpack(ARGV)
if redis.call('TYPE', job).ok ~= 'none' then
  if redis.call('LREM', active, -1, id) > 0 then redis.call('RPUSH', queue, id) end
  return 'REQUEUED'
end
if last ~= '1' then return 'WAIT' end
redis.call('LREM', active, -1, id)
bury(dead, id)
missing(job, reply, id)
event(events, id, 'error', 'missing')
return 'DEAD'
`,
);
