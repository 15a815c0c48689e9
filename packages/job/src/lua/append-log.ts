/**
 * appendLog: a batch of live output, from the holder of the claim only.
 *
 * KEYS job log
 * ARGV token keep_entries ttl_s (stream offset data)…
 * →    OK · FENCED
 *
 * `seq` goes on where the last entry left off, over attempts too: a reader that asks for "after 17" misses nothing.
 */
import { int, script } from "../redis/script.ts";

export const appendLog = script(
  "append-log",
  `
${int}
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 'FENCED' end
local seq = 0
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
for i = 1, last and #last[2] or 0, 2 do
  if last[2][i] == 'seq' then seq = int(last[2][i + 1], 0, 1e15) end
end
for i = 4, #ARGV, 3 do
  seq = seq + 1
  redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[2], '*', 'stream', ARGV[i], 'seq', seq, 'offset', ARGV[i + 1], 'data', ARGV[i + 2])
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 'OK'
`,
);
