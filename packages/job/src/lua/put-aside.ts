/**
 * putAside: moves a taken id out of active without looking at any job.
 *
 * KEYS active leases target ("dead" list or the queue)
 * ARGV id where ("dead": newest first, capped · "queue": taken next)
 * →    number of ids moved, 0 or 1
 */
import { bury, script } from "../redis/script.ts";

export const putAside = script(
  "put-aside",
  `
${bury}
if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1]) -- an adoption may have given it one
if ARGV[2] == 'queue' then redis.call('RPUSH', KEYS[3], ARGV[1]) else bury(KEYS[3], ARGV[1]) end
return 1
`,
  { allowOom: true },
);
