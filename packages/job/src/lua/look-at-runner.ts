/**
 * lookAtRunner: how much waits, runs and lies dead, and who was heard of lately. A key of another type counts as empty.
 *
 * KEYS queue active dead settings instances
 * ARGV (none)
 * →    {queued, running, dead, paused, owner…}
 */
import { script } from "../redis/script.ts";

export const lookAtRunner = script(
  "look-at-runner",
  `
local function length(key)
  local n = redis.pcall('LLEN', key)
  return type(n) == 'number' and n or 0
end
local paused = redis.pcall('HGET', KEYS[4], 'paused')
local answer = { length(KEYS[1]), length(KEYS[2]), length(KEYS[3]), paused == '1' and 1 or 0 }
local owners = redis.pcall('ZREVRANGE', KEYS[5], 0, 255)
if not owners.err then
  for _, owner in ipairs(owners) do answer[#answer + 1] = owner end
end
return answer
`,
  { allowOom: true },
);
