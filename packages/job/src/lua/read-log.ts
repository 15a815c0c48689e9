/**
 * readLog: entries of a job's live log after a seq, oldest first. Looks from the nearer end: the log is a stream whose
 * entries count up by one.
 *
 * KEYS log
 * ARGV after limit max_bytes
 * →    {entry_id, {field, value, …}} as XRANGE answers them; at least one when there is any, then up to max_bytes
 */
import { int, script } from "../redis/script.ts";

export const readLog = script(
  "read-log",
  `
${int}
local log, after, limit, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function seq(entry)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'seq' then return int(entry[2][i + 1], 0, 1e15) end
  end
  return 0
end
local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
if not first or seq(last) <= after then return {} end

local found = {}
local skipped, left = math.max(after - seq(first) + 1, 0), seq(last) - after
if skipped <= left then
  found = redis.call('XRANGE', log, '-', '+', 'COUNT', skipped + limit)
else
  local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', left)
  for i = #newest, 1, -1 do found[#found + 1] = newest[i] end
end
local answer, bytes = {}, 0
for _, entry in ipairs(found) do
  if seq(entry) > after and #answer < limit then
    for i = 1, #entry[2] do bytes = bytes + #entry[2][i] end
    if #answer > 0 and bytes > most then break end
    answer[#answer + 1] = entry
  end
end
return answer
`,
  { allowOom: true },
);
