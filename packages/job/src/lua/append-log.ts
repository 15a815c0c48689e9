/**
 * appendLog: a batch of live output, from the holder of the claim only.
 *
 * KEYS job log
 * ARGV token keep_entries ttl_s (stream offset data)…
 * →    OK · FENCED
 */
import { int, log, script } from "../redis/script.ts";

export const appendLog = script(
  "append-log",
  `
${int}${log}
local held = redis.pcall('HGET', KEYS[1], 'token') -- an error when it is no hash
if held ~= ARGV[1] then return 'FENCED' end
append(KEYS[2], ARGV[2], 4, #ARGV)
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 'OK'
`,
);
