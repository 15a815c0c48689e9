/**
 * cancel: a waiting job ends at once; a running one is asked through its field and a wake-up.
 *
 * KEYS job queue reply events
 * ARGV id control keep_s
 * →    CANCELLED · REQUESTED · FINAL · MISSING
 */
import { answer, conclude, event, int, now, script } from "../redis/script.ts";

export const cancel = script(
  "cancel",
  `
${now}${int}${event}${answer}${conclude}
local job, queue, reply, events = unpack(KEYS)
local id, control, keep_s = unpack(ARGV)
if redis.call('TYPE', job).ok ~= 'hash' then return 'MISSING' end
local status = redis.call('HGET', job, 'status') or 'queued'
if status == 'finished' or status == 'error' then return 'FINAL' end
redis.call('HSET', job, 'cancel', '1')
-- What is not ended here keeps its place: an id under a status that a client has written still waits, and ends when it is taken.
local waits = status == 'created' or status == 'queued'
local waited = waits and redis.call('LREM', queue, 0, id) or 0
if status == 'created' or (status == 'queued' and waited > 0) then
  conclude(job, reply, id, 'error', { 'reason', 'cancelled', 'error', 'cancelled before it was started' }, keep_s, 'client')
  event(events, id, 'error', 'cancelled')
  return 'CANCELLED'
end
-- A user without the channel in its ACL still cancels: the field is read at every renewal.
redis.pcall('PUBLISH', control, cjson.encode({ op = 'cancel', id = id }))
return 'REQUESTED'
`,
  { allowOom: true },
);
