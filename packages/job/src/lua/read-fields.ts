/**
 * readFields: named fields of one job, each cut at a limit, so that nobody's hash can fill the reader's memory.
 *
 * KEYS job
 * ARGV max_bytes name…
 * →    {name, value, …} of those that are there · {} no such job · an error for a key of another type
 */
import { script } from "../redis/script.ts";

export const readFields = script(
  "read-fields",
  `
local found, most = {}, tonumber(ARGV[1])
for i = 2, #ARGV do
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  if value then
    found[#found + 1] = ARGV[i]
    found[#found + 1] = #value > most and string.sub(value, 1, most) or value
  end
end
return found
`,
);
