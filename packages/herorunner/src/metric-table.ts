/** Every metric of a runner, one entry each. Names and units follow Prometheus' conventions; docs/metrics.md is made from this. */
import type { MetricTable } from "@herorunner/daemon";
import { type JobReason, jobReasons } from "@herorunner/job";

const durationBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600,
] as const;
const waitingBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400,
] as const;

/** Why an id never became a claim, as the queue tells it. */
export const putAsideReasons = [
  ...["bad_id", "missing", "wrongtype", "poisoned", "lost", "cancelled", "final", "duplicate", "gone"],
] as const;
/** Reasons of admission and of the last look before the start: nothing was run. */
export const refusalReasons = [
  ...[
    "malformed",
    "too_large",
    "unsigned",
    "bad_signature",
    "untrusted_signer",
    "threshold_not_met",
    "expired",
  ],
  ...[
    "not_yet_valid",
    "replayed",
    "wrong_audience",
    "wrong_runner",
    "env_refused",
    "not_granted",
    "internal",
  ],
] as const satisfies readonly JobReason[];
export const troubleCodes = ["unavailable", "denied", "full", "rejected"] as const;

const oneRunner = "the runner id of this process";

const jobs = {
  claims: { kind: "counter", name: "herorunner_claims_total", help: "Jobs taken from the queue." },
  refused: {
    kind: "counter",
    name: "herorunner_refused_total",
    help: "Jobs that were taken and refused by admission, by reason; nothing of them was run.",
    labels: { reason: refusalReasons },
  },
  outcomes: {
    kind: "counter",
    name: "herorunner_jobs_total",
    help: "Jobs that came to their end here, by status and reason. Refused ones are among them.",
    labels: { status: ["finished", "error"], reason: ["", ...jobReasons] },
  },
  duration: {
    kind: "histogram",
    name: "herorunner_job_duration_seconds",
    help: "Life of the processes of jobs.",
    buckets: durationBuckets,
  },
  waiting: {
    kind: "histogram",
    name: "herorunner_job_waiting_seconds",
    help: "From queued to taken, in Redis time, of jobs whose client said when they were queued.",
    buckets: waitingBuckets,
  },
  released: {
    kind: "counter",
    name: "herorunner_released_total",
    help: "Jobs given back before they had started, because the runner stopped.",
  },
  output: {
    kind: "counter",
    name: "herorunner_job_output_bytes_total",
    help: "Bytes that jobs wrote, kept or not.",
    labels: { stream: ["stdout", "stderr"] },
  },
  outputDropped: {
    kind: "counter",
    name: "herorunner_job_output_dropped_bytes_total",
    help: "Bytes between the kept head and the kept tail of an output. They are counted in the job's record too.",
  },
  logDropped: {
    kind: "counter",
    name: "herorunner_live_log_dropped_bytes_total",
    help: "Live output that was left out because Redis was slow or away. The result has it all the same.",
  },
  masked: {
    kind: "counter",
    name: "herorunner_masked_secrets_total",
    help: "Secrets that were masked in the output of jobs.",
  },
  reaped: {
    kind: "counter",
    name: "herorunner_reaped_processes_total",
    help: "Processes that had to be ended after the main process of their job was gone.",
  },
  survivors: {
    kind: "counter",
    name: "herorunner_surviving_processes_total",
    help: "Processes of jobs that still lived when the runner gave up killing them. 0 is the promise.",
  },
} as const satisfies MetricTable;

const delivery = {
  renewals: {
    kind: "counter",
    name: "herorunner_lease_renewals_total",
    help: "Leases that were to be renewed, by answer: held, lost (the claim moved on), cancel (asked for), failed (Redis gave none).",
    labels: { answer: ["held", "lost", "cancel", "failed"] },
  },
  fenced: {
    kind: "counter",
    name: "herorunner_fenced_total",
    help: "Claims that had moved on to somebody else: noticed while the job ran, which was ended then, or because Redis refused the late result.",
    labels: { noticed: ["running", "settling"] },
  },
  unsettled: {
    kind: "counter",
    name: "herorunner_unsettled_total",
    help: "Jobs whose ending could not be stored before the runner gave up; another one ends them as runner_lost.",
  },
  reclaimed: {
    kind: "counter",
    name: "herorunner_reclaimed_total",
    help: "Jobs of dead runners that this one took care of, and ids that were taken and never got a lease: by what became of them, and how they were found. Poisoned: lost with too many runners, and ended.",
    labels: { answer: ["requeued", "failed", "poisoned", "dead"], found: ["overdue", "same_host"] },
  },
  repaired: {
    kind: "counter",
    name: "herorunner_endings_repaired_total",
    help: "Endings that Redis had acknowledged and lost (a failover, an old file), stored again.",
  },
  putAside: {
    kind: "counter",
    name: "herorunner_put_aside_total",
    help: "Ids in the queue that never became a claim, by why. Cancelled, final, duplicate and gone ones are no loss.",
    labels: { why: putAsideReasons },
  },
} as const satisfies MetricTable;

const trust = {
  signatures: {
    kind: "counter",
    name: "herorunner_signature_checks_total",
    help: "Jobs whose signatures were looked at: verified, forgiven (--signatures warn), refused. Once more where a new trust file came before the start.",
    labels: { result: ["verified", "forgiven", "refused"] },
  },
  replays: {
    kind: "counter",
    name: "herorunner_replays_refused_total",
    help: "Signed jobs that were started before and refused, by Redis or by the journal on this host.",
  },
  journal: {
    kind: "counter",
    name: "herorunner_replay_journal_total",
    help: "Starts that the replay journal of this host was asked for. Failed: the disk did not take it, so nothing was run.",
    labels: { answer: ["accepted", "refused", "failed"] },
  },
  receipts: {
    kind: "counter",
    name: "herorunner_receipts_total",
    help: "Endings that were to be signed with --receipt-key.",
    labels: { result: ["signed", "failed"] },
  },
  trustReloads: {
    kind: "counter",
    name: "herorunner_trust_reloads_total",
    help: "Readings of the trust file on SIGHUP. After a failed one the old file stays in force.",
    labels: { result: ["ok", "failed"] },
  },
  trustCurrent: {
    kind: "gauge",
    name: "herorunner_trust_last_reload_successful",
    help: "0 while an old trust file is in force because the last reload failed.",
  },
  trustSigners: {
    kind: "gauge",
    name: "herorunner_trust_signers",
    help: "Keys in the trust file, by whether they count today. Nothing without a trust file.",
    labels: { dates: ["past", "current", "future"] },
  },
  trustNextEnd: {
    kind: "gauge",
    name: "herorunner_trust_next_key_end_timestamp_seconds",
    help: "When the next key of the trust file ends (not_after), unix time. Nothing where none does.",
  },
} as const satisfies MetricTable;

const state = {
  build: {
    kind: "gauge",
    name: "herorunner_build_info",
    help: "1; which build runs.",
    labels: {
      version: "that of the program",
      commit: "that of the program, `unknown` where nobody wrote it down",
      node: "that of the process",
    },
  },
  info: {
    kind: "gauge",
    name: "herorunner_info",
    help: "1; how this process runs jobs: its runner id, how far jobs are fenced in, what starts them, how signatures are judged.",
    labels: {
      runner: oneRunner,
      isolation: ["group", "pidns", "cgroup"],
      launcher: ["plain", "spawn_server"],
      signatures: ["required", "warn", "off"],
    },
  },
  launcherServers: {
    kind: "gauge",
    name: "herorunner_launcher_servers",
    help: "Small processes that start jobs (spawn servers); at 0 the runner starts them itself, which is right and slower.",
  },
  launcherLost: {
    kind: "counter",
    name: "herorunner_launcher_servers_lost_total",
    help: "Spawn servers that ended by themselves or did not answer. New ones are started.",
  },
  ready: { kind: "gauge", name: "herorunner_ready", help: "1 when /readyz says so." },
  paused: { kind: "gauge", name: "herorunner_paused", help: "1 while the runner is paused." },
  draining: { kind: "gauge", name: "herorunner_draining", help: "1 once it takes no more jobs for good." },
  slots: { kind: "gauge", name: "herorunner_slots", help: "Jobs that may run at once." },
  busy: { kind: "gauge", name: "herorunner_slots_busy", help: "Jobs that run now." },
  lastPoll: {
    kind: "gauge",
    name: "herorunner_last_poll_age_seconds",
    help: "Time since Redis last answered a wait for jobs; nothing before the first answer. Grows while the runner is full or paused, since it does not ask then.",
  },
  spans: {
    kind: "counter",
    name: "herorunner_trace_spans_total",
    help: "Spans that ended: sent to the collector, or dropped because it was away, refused them or was too slow. 0 without --otlp-endpoint.",
    labels: { result: ["sent", "dropped"] },
  },
  silence: {
    kind: "gauge",
    name: "herorunner_poll_silence_seconds",
    help: "For how long Redis has owed an answer to a wait for jobs; 0 while nobody asks. A healthy wait stays below 6 s.",
  },
} as const satisfies MetricTable;

const redis = {
  redisUp: {
    kind: "gauge",
    name: "herorunner_redis_up",
    help: "1 when Redis answered the question of this scrape within a second.",
  },
  trouble: {
    kind: "gauge",
    name: "herorunner_redis_trouble",
    help: "1 while Redis keeps the runner from its work, by how: it does not answer, refuses the login or a right, is out of memory, or says no.",
    labels: { code: troubleCodes },
  },
  reconnects: {
    kind: "counter",
    name: "herorunner_redis_reconnects_total",
    help: "Connections to Redis that were lost and stand again.",
  },
  queueWaiting: {
    kind: "gauge",
    name: "herorunner_queue_waiting_jobs",
    help: "Jobs in the queue. All processes of a runner id show the same.",
    labels: { runner: oneRunner },
  },
  queueOldest: {
    kind: "gauge",
    name: "herorunner_queue_oldest_waiting_seconds",
    help: "How long the job has waited that is taken next; 0 when none waits. One that was pushed by hand counts from the first scrape that saw it.",
    labels: { runner: oneRunner },
  },
  queueActive: {
    kind: "gauge",
    name: "herorunner_queue_active_jobs",
    help: "Jobs that are taken and not final, of all processes of this runner id.",
    labels: { runner: oneRunner },
  },
  queueDead: {
    kind: "gauge",
    name: "herorunner_queue_dead_ids",
    help: "Ids on the dead list, at most 1000: they could not be run.",
    labels: { runner: oneRunner },
  },
  queueInstances: {
    kind: "gauge",
    name: "herorunner_queue_instances",
    help: "Processes of this runner id that were heard of in the last 15 s.",
    labels: { runner: oneRunner },
  },
} as const satisfies MetricTable;

export const metricTable = {
  ...jobs,
  ...delivery,
  ...trust,
  ...state,
  ...redis,
} as const satisfies MetricTable;

/** For docs/metrics.md. */
export const introduction =
  "With `--listen HOST:PORT`, at `/metrics`, beside `/healthz` and `/readyz`; no key is needed. Figures whose names begin with `herorunner_queue_` belong to the runner id: all processes that serve it show the same, so take `max by (runner)`, not the sum.";
