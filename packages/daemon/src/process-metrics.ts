/**
 * The usual metrics of a process. All are looked up at a scrape and none between: the library's own set wakes the process a
 * hundred times a second to measure the event loop.
 */
import { readdirSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { MetricTable } from "./metric-table.ts";
import type { Metrics } from "./metrics.ts";

export const processMetrics = {
  cpu: { kind: "counter", name: "process_cpu_seconds_total", help: "CPU time, user and system." },
  memory: { kind: "gauge", name: "process_resident_memory_bytes", help: "Resident memory." },
  start: { kind: "gauge", name: "process_start_time_seconds", help: "Start of the process, unix time." },
  openDescriptors: { kind: "gauge", name: "process_open_fds", help: "Open file descriptors. Linux only." },
  maxDescriptors: {
    kind: "gauge",
    name: "process_max_fds",
    help: "How many file descriptors may be open. Linux only.",
  },
  heapUsed: { kind: "gauge", name: "nodejs_heap_size_used_bytes", help: "Memory that JavaScript uses." },
  heapTotal: { kind: "gauge", name: "nodejs_heap_size_total_bytes", help: "Memory that JavaScript has." },
  external: {
    kind: "gauge",
    name: "nodejs_external_memory_bytes",
    help: "Memory outside of the heap that JavaScript holds, buffers among it.",
  },
  eventLoop: {
    kind: "counter",
    name: "nodejs_eventloop_active_seconds_total",
    help: "Time in which the event loop was at work; a rate near 1 means that everything waits for it.",
  },
} as const satisfies MetricTable;

export function addProcessMetrics(metrics: Metrics): void {
  const startSeconds = Math.round(Date.now() / 1000 - process.uptime());
  metrics.counter(processMetrics.cpu, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.gauge(processMetrics.memory, () => process.memoryUsage.rss());
  metrics.gauge(processMetrics.start, () => startSeconds);
  metrics.gauge(processMetrics.openDescriptors, openDescriptors);
  metrics.gauge(processMetrics.maxDescriptors, maxDescriptors);
  metrics.gauge(processMetrics.heapUsed, () => process.memoryUsage().heapUsed);
  metrics.gauge(processMetrics.heapTotal, () => process.memoryUsage().heapTotal);
  metrics.gauge(processMetrics.external, () => process.memoryUsage().external);
  metrics.counter(processMetrics.eventLoop, () => performance.eventLoopUtilization().active / 1000);
}

function openDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length - 1; // not the one that reads the folder
  } catch {
    return undefined;
  }
}

function maxDescriptors(): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
