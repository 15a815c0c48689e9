/**
 * readFields: known fields of one hash, each cut at a limit, so that nobody's hash can fill the reader's memory. The names
 * are part of the script: sending forty of them with each read would cost more than the read.
 *
 * KEYS hash
 * ARGV max_bytes
 * →    {name, value, …} of those that are there · {} no such hash · an error for a key of another type
 */
import { type Script, script } from "../redis/script.ts";

export function readFields(what: string, names: readonly string[]): Script {
  const list = names.map((name) => `'${name}'`).join(", ");
  return script(
    `read-${what}`,
    `
local most = tonumber(ARGV[1])
local names = { ${list} }
local found = {}
for at, value in ipairs(redis.call('HMGET', KEYS[1], unpack(names))) do
  if value then
    found[#found + 1] = names[at]
    found[#found + 1] = #value > most and string.sub(value, 1, most) or value
  end
end
return found
`,
    { allowOom: true },
  );
}
