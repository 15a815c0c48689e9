/** Every metric of a supervisor, one entry each. Names and units follow Prometheus' conventions; docs/metrics.md is made from this. */
import type { MetricTable } from "@herorunner/daemon";
import { rpcCodes } from "./rpc/errors.ts";
import { methods } from "./rpc/methods.ts";

/** A registry with thousands of runners would drown whoever scrapes. */
export const maxRunners = 1_000;
const registered = `ids of registered runners, sorted, at most ${maxRunners}`;

export const limitNames = ["too_many_failures", "too_many_streams", "busy"] as const;
const methodNames: readonly string[] = [...Object.keys(methods), "unknown"];
const codes: readonly string[] = ["0", ...Object.values(rpcCodes).map(String)];

export const metricTable = {
  calls: {
    kind: "counter",
    name: "herosupervisor_calls_total",
    help: "Calls by method and error code, 0 for none. A method that does not exist is `unknown`.",
    labels: { method: methodNames, code: codes },
  },
  durations: {
    kind: "histogram",
    name: "herosupervisor_call_duration_seconds",
    help: "How long calls took, waits included.",
    labels: { method: methodNames },
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300],
  },
  jobs: {
    kind: "counter",
    name: "herosupervisor_jobs_total",
    help: "Jobs that were handed in here: new ones, ones that were there already, and ids that were taken by other content.",
    labels: { outcome: ["created", "exists", "conflict"] },
  },
  wrongKeys: {
    kind: "counter",
    name: "herosupervisor_wrong_keys_total",
    help: "Requests with a key that is not valid.",
  },
  limited: {
    kind: "counter",
    name: "herosupervisor_rate_limited_total",
    help: "Requests answered with 429, by limit: too many wrong keys from an address, too many streams, too many large bodies at once.",
    labels: { limit: limitNames },
  },
  streams: { kind: "gauge", name: "herosupervisor_streams", help: "Open event streams." },
  streamsOpened: {
    kind: "counter",
    name: "herosupervisor_streams_opened_total",
    help: "Event streams that were opened.",
  },
  connections: { kind: "gauge", name: "herosupervisor_connections", help: "Open HTTP connections." },
  spans: {
    kind: "counter",
    name: "herosupervisor_trace_spans_total",
    help: "Spans that ended: sent to the collector, or dropped because it was away, refused them or was too slow. 0 without --otlp-endpoint.",
    labels: { result: ["sent", "dropped"] },
  },
  build: {
    kind: "gauge",
    name: "herosupervisor_build_info",
    help: "1; which build runs.",
    labels: {
      version: "that of the program",
      commit: "that of the program, `unknown` where nobody wrote it down",
      node: "that of the process",
    },
  },
  redisUp: {
    kind: "gauge",
    name: "herosupervisor_redis_up",
    help: "1 when Redis answered the questions of this scrape within a second.",
  },
  redisWritable: {
    kind: "gauge",
    name: "herosupervisor_redis_writable",
    help: "1 when Redis takes new jobs; 0 when it is full, a replica, or cannot write its disk. Nothing while it does not answer.",
  },
  redisMemory: {
    kind: "gauge",
    name: "herosupervisor_redis_memory_bytes",
    help: "Memory that Redis uses.",
  },
  redisMaxMemory: {
    kind: "gauge",
    name: "herosupervisor_redis_memory_max_bytes",
    help: "Memory that Redis may use (maxmemory); nothing where there is no limit.",
  },
  reconnects: {
    kind: "counter",
    name: "herosupervisor_redis_reconnects_total",
    help: "Connections to Redis that were lost and stand again.",
  },
  alive: {
    kind: "gauge",
    name: "herosupervisor_runner_alive",
    help: "1 when a process of this registered runner was heard of in the last 15 s.",
    labels: { runner: registered },
  },
  runnerJobs: {
    kind: "gauge",
    name: "herosupervisor_runner_jobs",
    help: "Jobs of a registered runner by state.",
    labels: { runner: registered, state: ["queued", "running", "dead"] },
  },
  oldest: {
    kind: "gauge",
    name: "herosupervisor_runner_oldest_waiting_seconds",
    help: "How long the job has waited that this registered runner takes next; 0 when none waits. One that was pushed by hand counts from the first scrape that saw it.",
    labels: { runner: registered },
  },
} as const satisfies MetricTable;

/** For docs/metrics.md. */
export const introduction =
  "At `/metrics` of its own address, as `/healthz` and `/readyz`; no key is needed. Several supervisors at one Redis show the same figures of runners.";
