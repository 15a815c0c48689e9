/**
 * queueFigures: what a scrape asks, in one round trip: how much waits, runs and lies dead, who lives, what waits longest.
 * A key of another type counts as empty. Commands are those that runners may use anyway.
 *
 * KEYS queue active dead instances
 * ARGV alive_ms
 * →    {waiting, active, dead, alive}                        nothing waits
 *      {waiting, active, dead, alive, id, waited_ms or -1}   the id that is taken next, cut to 128 bytes; -1: nobody wrote down when
 */
import { now, script } from "../redis/script.ts";

/** Clients own the hash; nothing that they write there makes a job older than this. */
const mostWaitedMs = 365 * 86_400_000;

export const queueFigures = script(
  "queue-figures",
  `
${now}
local function length(key)
  local n = redis.pcall('LLEN', key)
  return type(n) == 'number' and n or 0
end
local alive = redis.pcall('ZRANGEBYSCORE', KEYS[4], now - ARGV[1], '+inf', 'LIMIT', 0, 1000)
local answer = { length(KEYS[1]), length(KEYS[2]), length(KEYS[3]), alive.err and 0 or #alive }
local last = redis.pcall('LRANGE', KEYS[1], -1, -1)
local id = not last.err and last[1]
if not id then return answer end
answer[5], answer[6] = string.sub(id, 1, 128), -1
-- The key of the job is that of the queue with another name, so it is in the same slot.
local job = string.sub(KEYS[1], 1, -#'queue' - 1) .. 'job:' .. answer[5]
if redis.pcall('HSTRLEN', job, 'queued_at') == 13 then
  local queued = tonumber(redis.call('HGET', job, 'queued_at'))
  if queued and queued > 0 and queued <= now then answer[6] = math.min(now - queued, ${mostWaitedMs}) end
end
return answer
`,
  { allowOom: true },
);
