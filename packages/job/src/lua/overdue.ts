/**
 * overdue: gives every taken id without a lease a short one (adoption), so nothing can hang unseen; then lists what is over.
 *
 * KEYS active leases
 * ARGV grace_ms limit
 * →    {id, lease_end, id, lease_end, …}, oldest first
 */
import { now, script } from "../redis/script.ts";

export const overdue = script(
  "overdue",
  `
${now}
-- Always the whole list, which is as long as there are busy slots: comparing lengths would miss an id as long as
-- another one has a lease and no place.
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do redis.call('ZADD', KEYS[2], 'NX', now + ARGV[1], id) end
return redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[2])
`,
  { allowOom: true },
);
