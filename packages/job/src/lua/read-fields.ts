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
local most = tonumber(ARGV[1])
local names = { unpack(ARGV, 2) }
local found = {}
for at, value in ipairs(redis.call('HMGET', KEYS[1], unpack(names))) do
  if value then
    found[#found + 1] = names[at]
    found[#found + 1] = #value > most and string.sub(value, 1, most) or value
  end
end
return found
`,
);
