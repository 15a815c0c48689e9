/**
 * abandon: ends the leases of claims whose owner is known to be dead, so that they can be reclaimed at once.
 *
 * KEYS leases job…
 * ARGV (id token)…
 * →    {id, lease_end, id, lease_end, …} of those that still hold
 */
import { now, script } from "../redis/script.ts";

export const abandon = script(
  "abandon",
  `
${now}
local over = {}
for i = 2, #KEYS do
  local id, token = ARGV[2 * i - 3], ARGV[2 * i - 2]
  if redis.call('TYPE', KEYS[i]).ok == 'hash' and redis.call('HGET', KEYS[i], 'token') == token then
    redis.call('ZADD', KEYS[1], now - 1, id)
    over[#over + 1] = id
    over[#over + 1] = redis.call('ZSCORE', KEYS[1], id)
  end
end
return over
`,
  { allowOom: true },
);
