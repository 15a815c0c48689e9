/**
 * submit: stores a job and queues it, or tells what is there already. The client's side of the protocol.
 *
 * KEYS job queue events recent
 * ARGV id mode ("queue" or "create") (field value)…
 * →    {CREATED, status} · {EXISTS, status} same content · {CONFLICT, status} same id, other content
 *      Whoever queues a job that was only created before queues that one, with his own signatures and dates.
 *
 * Content is what the job does; when and by whom it was signed is not compared.
 */
import { event, now, remember, script } from "../redis/script.ts";

/** `enqueue(job, queue, events, id)`: from `created`, or from nothing, to `queued`. Needs `now` and `event`. */
const enqueued = `
local function enqueue(job, queue, events, id)
  redis.call('HSET', job, 'status', 'queued', 'queued_at', now)
  redis.call('LPUSH', queue, id)
  event(events, id, 'queued')
end
`;

export const submit = script(
  "submit",
  `
${now}${event}${remember}${enqueued}
local job, queue, events, recent = unpack(KEYS)
local id, mode = unpack(ARGV)
local kind = redis.call('TYPE', job).ok
if kind ~= 'none' then
  if kind ~= 'hash' then return { 'CONFLICT', kind } end
  local given = {}
  for i = 3, #ARGV, 2 do given[ARGV[i]] = ARGV[i + 1] end
  local status = redis.call('HGET', job, 'status') or 'queued'
  for _, name in ipairs({ 'payload', 'caller_id', 'context_id', 'executor', 'timeout', 'env_vars', 'max_attempts' }) do
    if (redis.call('HGET', job, name) or '') ~= (given[name] or '') then return { 'CONFLICT', status } end
  end
  if status == 'created' and mode == 'queue' then
    -- No runner has it yet, so what is said beside the content now holds: who signs it above all, and until when.
    redis.call('HDEL', job, 'created_at', 'expires_at', 'trace', 'audience', 'nonce', 'signatures')
    redis.call('HSET', job, unpack(ARGV, 3))
    enqueue(job, queue, events, id)
    status = 'queued'
  end
  return { 'EXISTS', status }
end
redis.call('HSET', job, unpack(ARGV, 3))
remember(recent, id, true)
if mode == 'create' then
  redis.call('HSET', job, 'status', 'created')
  event(events, id, 'created')
  return { 'CREATED', 'created' }
end
enqueue(job, queue, events, id)
return { 'CREATED', 'queued' }
`,
);

/**
 * enqueue: queues a job that was only created.
 *
 * KEYS job queue events
 * ARGV id
 * →    OK · NOT_CREATED (status in the second element)
 */
export const enqueue = script(
  "enqueue",
  `
${now}${event}${enqueued}
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return { 'NOT_CREATED', 'missing' } end
local status = redis.call('HGET', KEYS[1], 'status') or 'queued'
if status ~= 'created' then return { 'NOT_CREATED', status } end
enqueue(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
return { 'OK', 'queued' }
`,
);
