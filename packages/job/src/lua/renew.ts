/**
 * renew: all running jobs of a runner in one round trip.
 *
 * KEYS leases job…
 * ARGV lease_ms (id token)…
 * →    one of OK, FENCED, CANCEL per job, in order
 */
import { now, script } from "../redis/script.ts";

export const renew = script(
  "renew",
  `
${now}
local answers = {}
for i = 2, #KEYS do
  local id, token = ARGV[2 * i - 2], ARGV[2 * i - 1]
  local held = { false, false }
  if redis.call('TYPE', KEYS[i]).ok == 'hash' then held = redis.call('HMGET', KEYS[i], 'token', 'cancel') end
  if held[1] ~= token then
    answers[i - 1] = 'FENCED'
  else
    redis.call('ZADD', KEYS[1], now + ARGV[1], id)
    answers[i - 1] = held[2] == '1' and 'CANCEL' or 'OK'
  end
end
return answers
`,
  { allowOom: true },
);
