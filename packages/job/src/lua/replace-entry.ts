/**
 * replaceEntry: writes an entry of a hash if it is still what its writer has read, so that of two writers none undoes what
 * the other one said.
 *
 * KEYS hash
 * ARGV name, value that was read or an empty text for none, new value
 * →    1 written · 0 it was changed meanwhile
 */
import { script } from "../redis/script.ts";

export const replaceEntry = script(
  "replace-entry",
  `
local stored = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if stored ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`,
);
