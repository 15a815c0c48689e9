/**
 * openSession: writes a session of the page. A full Redis is what an operator signs in for to look at.
 *
 * KEYS session
 * ARGV value lifetime in seconds
 */
import { script } from "../redis/script.ts";

export const openSession = script(
  "open-session",
  `
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
`,
  { allowOom: true },
);
