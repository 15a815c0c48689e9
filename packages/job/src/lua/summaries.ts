/**
 * summaries: what a listing shows of several jobs. Ids whose job has expired leave the index.
 *
 * KEYS recent job…
 * ARGV count_of_ids id… max_bytes count_of_conditions (name is|not value)… name…
 * →    for each job {name, value, …}; nil when it is gone, not a job, or not what the conditions want
 *
 * Conditions are looked at first: a listing that wants few of many jobs reads one or two fields of the others. A long
 * env_vars is left out and other long fields are cut: a listing never carries more than max_bytes a field.
 */
import { script } from "../redis/script.ts";

export const summaries = script(
  "summaries",
  `
local count = tonumber(ARGV[1])
local most = tonumber(ARGV[count + 2])
local conditions = tonumber(ARGV[count + 3])
local names = count + 4 + 3 * conditions
local answers = {}
local function wanted(job)
  for at = count + 4, names - 1, 3 do
    local same = (redis.call('HGET', job, ARGV[at]) or '') == ARGV[at + 2]
    if same ~= (ARGV[at + 1] == 'is') then return false end
  end
  return true
end
for i = 1, count do
  local job, found = KEYS[i + 1], false
  local kind = redis.call('TYPE', job).ok
  if kind == 'none' then redis.pcall('ZREM', KEYS[1], ARGV[i + 1]) end
  if kind == 'hash' and wanted(job) then
    found = {}
    for at = names, #ARGV do
      local name = ARGV[at]
      local size = redis.call('HSTRLEN', job, name)
      if size > 0 and (size <= most or name ~= 'env_vars') then
        found[#found + 1] = name
        found[#found + 1] = string.sub(redis.call('HGET', job, name), 1, most)
      end
    end
  end
  answers[i] = found
end
return answers
`,
  { allowOom: true },
);
