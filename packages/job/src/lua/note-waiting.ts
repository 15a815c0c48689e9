/**
 * noteWaiting: puts jobs that wait, and that nobody has put there yet, into the index of a listing.
 *
 * KEYS recent job…
 * ARGV id…
 * →    1
 */
import { now, remember, script } from "../redis/script.ts";

export const noteWaiting = script(
  "note-waiting",
  `
${now}${remember}
for i = #ARGV, 1, -1 do
  if redis.call('TYPE', KEYS[i + 1]).ok == 'hash' then remember(KEYS[1], ARGV[i], false) end
end
return 1
`,
  { allowOom: true },
);
