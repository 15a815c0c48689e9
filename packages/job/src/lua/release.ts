/**
 * release: gives a job back that was never started, free of charge, to the end of the queue that is taken next.
 *
 * KEYS active leases job queue events
 * ARGV id token
 * →    OK · FENCED
 */
import { event, int, script } from "../redis/script.ts";

export const release = script(
  "release",
  `
${int}${event}
local active, leases, job, queue, events = unpack(KEYS)
local id, token = unpack(ARGV)
if redis.call('TYPE', job).ok ~= 'hash' then return 'FENCED' end
local held = redis.call('HMGET', job, 'token', 'status', 'claims')
if held[1] ~= token or held[2] ~= 'dispatched' then return 'FENCED' end
redis.call('HSET', job, 'status', 'queued', 'token', '', 'claims', math.max(int(held[3], 0, 1000000) - 1, 0))
redis.call('ZREM', leases, id)
redis.call('LREM', active, -1, id)
redis.call('RPUSH', queue, id)
event(events, id, 'queued')
return 'OK'
`,
  { allowOom: true },
);
