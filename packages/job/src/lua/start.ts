/**
 * start: `dispatched` → `started`. From here on a process may exist.
 *
 * KEYS leases job seen events
 * ARGV id token lease_ms guard_ms max_starts
 * →    OK · FENCED (the claim moved on) · CANCELLED · REPLAYED
 *
 * guard_ms > 0 (signed jobs): the id may be started at most max_starts times within guard_ms, whatever the hash says
 * of itself: the count lives in the seen key, not in a field that a client can write.
 */
import { event, int, now, script } from "../redis/script.ts";

export const start = script(
  "start",
  `
${now}${int}${event}
local leases, job, seen, events = unpack(KEYS)
local id, token, lease_ms, guard_ms, max_starts = unpack(ARGV)
local held = redis.pcall('HMGET', job, 'token', 'status', 'attempt', 'cancel') -- an error when it is no hash: not ours
if held[1] ~= token then return 'FENCED' end
if held[2] == 'started' then return 'OK' end -- our own retry after a lost reply
if held[4] == '1' then return 'CANCELLED' end
if tonumber(guard_ms) > 0 then
  local kind = redis.call('TYPE', seen).ok
  if kind ~= 'string' and kind ~= 'none' then return 'REPLAYED' end -- not ours: nobody can say how often it was started
  local starts = int(redis.call('GET', seen), 0, 1000000) + 1
  if starts > tonumber(max_starts) then return 'REPLAYED' end
  redis.call('SET', seen, starts, 'PX', guard_ms)
end
redis.call('HSET', job, 'status', 'started', 'started_at', now, 'attempt', int(held[3], 0, 1000) + 1)
redis.call('ZADD', leases, now + lease_ms, id)
event(events, id, 'started')
return 'OK'
`,
);
