/**
 * overdue: gives every taken id without a lease a short one (adoption), so nothing can hang unseen; then lists what is over.
 *
 * KEYS active leases
 * ARGV grace_ms limit
 * →    {next_ms, id, lease_end, id, lease_end, …}, oldest first; next_ms: until the next lease could be over, -1 if there is none
 */
import { now, script } from "../redis/script.ts";

/** As many values as unpack() takes with ease. */
const atOnce = 500;

export const overdue = script(
  "overdue",
  `
${now}
-- Always the whole list, which is as long as there are busy slots: comparing lengths would miss an id as long as
-- another one has a lease and no place.
local taken = redis.call('LRANGE', KEYS[1], 0, -1)
for first = 1, #taken, ${atOnce} do
  local pairs = {}
  for at = first, math.min(first + ${atOnce - 1}, #taken) do
    pairs[#pairs + 1], pairs[#pairs + 2] = now + ARGV[1], taken[at]
  end
  redis.call('ZADD', KEYS[2], 'NX', unpack(pairs))
end
local over = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local following = redis.call('ZRANGE', KEYS[2], #over / 2, #over / 2, 'WITHSCORES')[2]
return { following and math.max(following - now, 0) or -1, unpack(over) }
`,
  { allowOom: true },
);
