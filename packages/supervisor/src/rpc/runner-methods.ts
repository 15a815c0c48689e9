/** Runners: the registry, how they are, and switching them. */
import { z } from "zod";
import { method } from "./method.ts";
import { labels, runnerId, runnerView, type RunnerViewWire } from "./schemas.ts";

const exampleView: RunnerViewWire = {
  id: "my-hero-runner",
  description: "the web machine",
  alive: true,
  paused: false,
  queued: 3,
  running: 1,
  dead: 0,
  instances: [
    {
      owner:
        "5f2b9c7e41d04c0f8a6b3e9d7c215a48:0b7d9c1e-8f53-4f0e-9a53-2f3b8f7f9f11:4026531836:812:5512:9f86d081884c",
      host: "5f2b9c7e41d04c0f8a6b3e9d7c215a48",
      pid: 812,
      version: "0.1.0",
      slots: 1,
      busy: 1,
      isolation: "cgroup",
      signatures: "required",
      last_poll_ms: 120,
    },
  ],
};
const byId = z.strictObject({ id: runnerId });

export const runnerMethods = {
  "runner.register": method({
    summary: "Make a runner known, or change its description and labels",
    description:
      "Registering again is harmless: what is left out stays as it is. A runner started with `--supervisor` does this by itself. Whether it is alive comes from its own heartbeat, not from here.",
    scope: "admin",
    params: z.strictObject({
      id: runnerId,
      description: z.string().max(1024).describe("For people.").optional(),
      labels: labels.optional(),
    }),
    result: runnerView,
    errors: [],
    example: { params: { id: "my-hero-runner", description: "the web machine" }, result: exampleView },
    handle: ({ id, ...about }, { services }) => services.runners.register(id, about),
  }),
  "runner.list": method({
    summary: "All registered runners, by id",
    scope: "jobs:read",
    params: z.strictObject({}),
    result: z.strictObject({ runners: z.array(runnerView) }),
    errors: [],
    example: { params: {}, result: { runners: [exampleView] } },
    handle: async (_params, { services }) => ({ runners: await services.runners.list() }),
  }),
  "runner.get": method({
    summary: "One runner that is registered, or alive",
    scope: "jobs:read",
    params: byId,
    result: runnerView,
    errors: ["not_found"],
    example: { params: { id: "my-hero-runner" }, result: exampleView },
    handle: ({ id }, { services }) => services.runners.get(id),
  }),
  "runner.remove": method({
    summary: "Take a runner off the registry",
    description:
      "Refused while jobs wait for it, unless `force` is true. Its jobs and its processes are left alone: jobs that wait stay where they are and run when a runner of this id takes them.",
    scope: "admin",
    params: z.strictObject({
      id: runnerId,
      force: z.boolean().describe("Also while jobs wait.").optional(),
    }),
    result: z.strictObject({ removed: z.boolean().describe("False when it was not registered.") }),
    errors: ["conflict"],
    example: { params: { id: "my-hero-runner" }, result: { removed: true } },
    handle: async ({ id, force }, { services }) => ({
      removed: await services.runners.remove(id, force ?? false),
    }),
  }),
  "runner.ping": method({
    summary: "Ask the runner's process itself whether it is there",
    description: "A real answer of the process over the control channel, waited for at most 2 s.",
    scope: "admin",
    params: byId,
    result: z.strictObject({
      id: runnerId,
      alive: z.boolean(),
      round_trip_ms: z.number().describe("From the question to the first answer.").optional(),
    }),
    errors: ["not_found"],
    example: {
      params: { id: "my-hero-runner" },
      result: { id: "my-hero-runner", alive: true, round_trip_ms: 1.7 },
    },
    handle: ({ id }, { services, patience }) => services.runners.ping(id, patience.signal),
  }),
  "runner.pause": method({
    summary: "Let a runner finish what it has and take nothing more",
    scope: "admin",
    params: byId,
    result: runnerView,
    errors: ["not_found"],
    example: { params: { id: "my-hero-runner" }, result: { ...exampleView, paused: true } },
    handle: ({ id }, { services }) => services.runners.setPaused(id, true),
  }),
  "runner.resume": method({
    summary: "Let a paused runner take jobs again",
    scope: "admin",
    params: byId,
    result: runnerView,
    errors: ["not_found"],
    example: { params: { id: "my-hero-runner" }, result: exampleView },
    handle: ({ id }, { services }) => services.runners.setPaused(id, false),
  }),
};
