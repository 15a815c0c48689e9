/**
 * appendLog: a batch of live output, from the holder of the claim only.
 *
 * KEYS job log
 * ARGV token keep_entries ttl_s (stream seq offset data)…
 * →    OK · FENCED
 */
import { script } from "../redis/script.ts";

export const appendLog = script(
  "append-log",
  `
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 'FENCED' end
for i = 4, #ARGV, 4 do
  redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[2], '*', 'stream', ARGV[i], 'seq', ARGV[i + 1], 'offset', ARGV[i + 2], 'data', ARGV[i + 3])
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 'OK'
`,
);
