/**
 * finish: writes the outcome, once, if the claim still holds, and before it the last pieces of live output.
 *
 * KEYS active leases job reply log events
 * ARGV id token status keep_s log_ttl_s log_keep count_of_entries (stream offset data)… (field value)…
 * →    OK · ALREADY (our own retry) · FENCED (somebody else speaks for the job now; nothing was changed)
 */
import { answer, conclude, concluded, event, int, log, now, script } from "../redis/script.ts";

export const finish = script(
  "finish",
  `
${now}${int}${event}${answer}${conclude}${log}
local active, leases, job, reply, stream, events = unpack(KEYS)
local id, token, status, keep_s, log_ttl_s, log_keep, entries = unpack(ARGV, 1, 7) -- Lua does not unpack thousands
local held = redis.pcall('HMGET', job, 'token', 'done_token', ${concluded}) -- an error when it is no hash: not ours
if held[2] == token then return 'ALREADY' end
if held[1] ~= token then return 'FENCED' end
local first = 8 + 3 * entries
if first > 8 then
  pcall(append, stream, log_keep, 8, first - 1) -- a broken log must not break an ending
  redis.call('EXPIRE', stream, log_ttl_s)
end
if tonumber(keep_s) > 0 then redis.call('EXPIRE', stream, keep_s) end
local fields, reason = {}, ''
for i = first, #ARGV, 2 do
  fields[i - first + 1], fields[i - first + 2] = ARGV[i], ARGV[i + 1]
  if ARGV[i] == 'reason' then reason = ARGV[i + 1] end
end
conclude(job, reply, id, status, fields, keep_s, token, held[3], held[4], held[5])
redis.call('ZREM', leases, id)
redis.call('LREM', active, -1, id)
event(events, id, status, reason)
return 'OK'
`,
  { allowOom: true },
);
