/**
 * beat: a process says that it lives. Entries that were silent for long are taken off the list.
 *
 * KEYS instances instance settings
 * ARGV owner ttl_ms sweep ("1": now) (field value)…
 * →    the field `paused` of the settings, or an empty string
 */
import { now, script } from "../redis/script.ts";

const body = `
${now}
local owner, ttl = ARGV[1], tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], now, owner)
if ARGV[3] == '1' then redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 4 * ttl) end
redis.call('HSET', KEYS[2], 'seen_at', now, unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[2], ttl)
return redis.call('HGET', KEYS[3], 'paused') or ''
`;

export const beat = script("beat", body);

/** The same where Redis is full. */
export const beatAnyway = script("beat-anyway", body, { allowOom: true });
