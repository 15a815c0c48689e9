/**
 * finish: writes the outcome, once, if the claim still holds.
 *
 * KEYS active leases job reply log events
 * ARGV id token status keep_s (field value)…
 * →    OK · ALREADY (our own retry) · FENCED (somebody else speaks for the job now; nothing was changed)
 */
import { answer, conclude, event, int, now, script } from "../redis/script.ts";

export const finish = script(
  "finish",
  `
${now}${int}${event}${answer}${conclude}
local active, leases, job, reply, log, events = unpack(KEYS)
local id, token, status, keep_s = unpack(ARGV)
if redis.call('TYPE', job).ok ~= 'hash' then return 'FENCED' end
local held = redis.call('HMGET', job, 'token', 'done_token')
if held[2] == token then return 'ALREADY' end
if held[1] ~= token then return 'FENCED' end
local fields, reason = {}, ''
for i = 5, #ARGV do
  fields[i - 4] = ARGV[i]
  if i % 2 == 1 and ARGV[i] == 'reason' then reason = ARGV[i + 1] end
end
conclude(job, reply, id, status, fields, keep_s, token)
redis.call('ZREM', leases, id)
redis.call('LREM', active, -1, id)
if tonumber(keep_s) > 0 then redis.call('EXPIRE', log, keep_s) end
event(events, id, status, reason)
return 'OK'
`,
  { allowOom: true },
);
