/**
 * deleteJob: takes a job that does not run out of Redis. The replay guard stays: it must outlive the job.
 *
 * KEYS job queue active dead reply log recent
 * ARGV id
 * →    DELETED · MISSING · RUNS (taken by a runner)
 */
import { script } from "../redis/script.ts";

export const deleteJob = script(
  "delete-job",
  `
local job, queue, active, dead, reply, log, recent = unpack(KEYS)
local id = ARGV[1]
local kind = redis.call('TYPE', job).ok
local status = kind == 'hash' and redis.call('HGET', job, 'status') or ''
local final = status == 'finished' or status == 'error'
if not final and (status == 'dispatched' or status == 'started' or redis.call('LPOS', active, id)) then return 'RUNS' end
local waited = redis.call('LREM', queue, 0, id)
local buried = redis.call('LREM', dead, 0, id)
redis.call('DEL', job, reply, log)
redis.pcall('ZREM', recent, id)
return (kind ~= 'none' or waited + buried > 0) and 'DELETED' or 'MISSING'
`,
  { allowOom: true },
);
