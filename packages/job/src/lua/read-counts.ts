/**
 * readCounts: small hashes of numbers, whole. What is no such thing counts as empty, so that nobody's hash can fill the
 * reader's memory.
 *
 * KEYS hash…
 * ARGV (none)
 * →    {name, value, …} for each key
 */
import { script } from "../redis/script.ts";

/** Both endings, every reason and two histograms are fewer names. */
const mostNames = 256;
/** Names and numbers are shorter. */
const mostBytes = 32;

export const readCounts = script(
  "read-counts",
  `
local answers = {}
for i, key in ipairs(KEYS) do
  local found = {}
  local count = redis.pcall('HLEN', key)
  if type(count) == 'number' and count > 0 and count <= ${mostNames} then
    local flat = redis.call('HGETALL', key)
    for at = 1, #flat, 2 do
      if #flat[at] <= ${mostBytes} and #flat[at + 1] <= ${mostBytes} then
        found[#found + 1] = flat[at]
        found[#found + 1] = flat[at + 1]
      end
    end
  end
  answers[i] = found
end
return answers
`,
  { allowOom: true },
);
