/**
 * putAside: moves a taken id from active to the dead list without looking at any job.
 *
 * KEYS active leases dead
 * ARGV id
 * →    number of ids moved, 0 or 1
 */
import { bury, script } from "../redis/script.ts";

export const putAside = script(
  "put-aside",
  `
${bury}
if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1]) -- an adoption may have given it one
bury(KEYS[3], ARGV[1])
return 1
`,
  { allowOom: true },
);
