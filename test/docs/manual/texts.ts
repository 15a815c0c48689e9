/** What the manual pages say that no option table holds. Each exit code is told once; the compiler sees that none is missing. */
import { exitCodes as heroExits } from "../../../packages/hero/src/exit-codes.ts";
import { exitCodes as herojobExits } from "../../../packages/herojob/src/exit-codes.ts";
import { exitCodes as herorunnerExits } from "../../../packages/herorunner/src/exit-codes.ts";
import { exitCodes as herosupervisorExits } from "../../../packages/supervisor/src/exit-codes.ts";
import type { ManualTexts } from "./program-manual.ts";

const configFile = [
  "FILE.toml",
  "options, where `--config` names it; there is none that is read by itself",
] as const;

const otelVariables = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "where traces go when `--otlp-endpoint` does not say it; headers, names and sampling follow the other standard variables",
] as const;

export const herorunnerTexts: ManualTexts = {
  summary: "takes heroscript jobs from Redis and runs them",
  description: [
    "`herorunner` takes jobs from its queue in Redis, checks who signed them, pipes the script to `hero run -s`, enforces the " +
      "timeout, ends every process the job started, and stores the result in Redis. It runs until it is stopped. " +
      "runner_id names its queue; several processes may serve one id, on one host or on many.",
    "No job is lost and none is started twice unless it asks for it. With `--trust` only jobs run that trusted people signed.",
    "The first SIGTERM or SIGINT drains: no more jobs are taken, and those that run may end within `--drain-timeout`. The second one " +
      "ends them. SIGHUP reads the trust file again; a bad one is logged, and the old one stays.",
    "Log lines go to standard output, those of level ERROR to standard error.",
  ],
  environment: [
    ["PATH", "where `hero` is looked for, and what jobs get unless `--path` says otherwise"],
    ["RUST_LOG", "the log level, as long as none of ours is set"],
    otelVariables,
  ],
  files: [
    ["/var/lib/herorunner", "state of runners that root starts; `--state-dir` names another folder"],
    ["~/.local/state/herorunner", "state of runners that others start"],
    configFile,
  ],
  exits: pairs(herorunnerExits, {
    drained: "drained: every job it took has its end",
    aborted: "something was aborted, or a bug ended the process",
    usage:
      "usage or configuration, an isolation level that cannot be had included; starting again changes nothing",
    refused: "Redis refused for good: password, permissions, a lossy maxmemory-policy",
  }),
  examples: [
    [
      "Look at the machine first; every line that fails has a fix:",
      "herorunner doctor -r redis://localhost:6379",
    ],
    ["Serve a queue, two jobs at a time:", "herorunner -r redis://localhost:6379 -c 2 my-host"],
    [
      "Run only what trusted people signed, with health and metrics:",
      "herorunner --trust /etc/herorunner/trust.json --listen 127.0.0.1:9100 my-host",
    ],
    ["Completion in this shell:", "source <(herorunner completion bash)"],
  ],
  seeAlso: ["hero", "herojob", "herosupervisor"],
};

export const herosupervisorTexts: ManualTexts = {
  summary: "registers heroscript runners and queues jobs for them",
  description: [
    "`herosupervisor` serves a page and an API: runners are registered, jobs are created, followed and cancelled, keys are given out. " +
      "The page is at /, JSON-RPC 2.0 at /rpc, its description at /openrpc.json, health at /healthz and /readyz, metrics at " +
      "/metrics.",
    "All its state is in Redis, so several can run side by side, and none is needed for jobs to run.",
    "It listens on a loopback address unless `--host` says otherwise; beyond loopback it wants an admin secret worth its name. " +
      "SIGTERM and SIGINT stop it: calls under way may end.",
  ],
  environment: [["RUST_LOG", "the log level, as long as none of ours is set"], otelVariables],
  files: [configFile],
  exits: pairs(herosupervisorExits, {
    stopped: "stopped when it was asked to",
    aborted: "the address was taken, it did not stop in time, or a bug ended the process",
    usage: "usage or configuration; starting again changes nothing",
  }),
  examples: [
    [
      "On this machine, with a secret that is made up and logged:",
      "herosupervisor -r redis://localhost:6379",
    ],
    [
      "For others, behind a proxy that speaks TLS:",
      "herosupervisor --host 10.0.0.5 --tls-proxy --admin-secret-file /etc/herorunner/admin-secret",
    ],
  ],
  seeAlso: ["herorunner", "herojob"],
};

export const herojobTexts: ManualTexts = {
  summary: "submits heroscript jobs and looks after them",
  description: [
    "`herojob` puts scripts into the queues of runners, waits for their end, shows what they write, and says why they ended. It talks to " +
      "Redis, or to a supervisor with `--supervisor` and `--api-key-file`.",
    "A job is known by its id and its runner. Commands that take an id find the runner by themselves for a day after the job was submitted; " +
      "otherwise name it with `--runner`.",
    "Control characters in the output of jobs are made visible on a terminal; `--raw` leaves them. Elsewhere the output is exactly " +
      "what the job wrote.",
  ],
  environment: [],
  files: [
    [
      "NAME.key",
      "a private key, made by `herojob keygen --out`; readable by its owner alone, else it is not used",
    ],
    ["JOB.json", "a job as JSON, with the names of the protocol; it may carry signatures"],
    configFile,
  ],
  exits: pairs(herojobExits, {
    done: "done; where a job was waited for, it is finished",
    failed: "the job ended as error; a signature, receipt or job file is not valid",
    usage: "wrong usage: a flag, a file, a field of the job; nothing was sent",
    unavailable: "Redis or the supervisor does not answer, or refuses us",
    notFound: "there is no such job (any more), or nobody knows which runner it belongs to",
    conflict: "the job is in a state that does not allow this, or its id is taken by other content",
    bug: "a bug of herojob; please report it",
    timeout: "the wait was over before the job was; the job goes on",
    interrupted: "Ctrl-C; the job goes on unless cancelling was asked for",
  }),
  examples: [
    ["Run a script and print its result:", "herojob submit --runner web-1 --wait -e 'print(\"hello\")'"],
    ["The same for a file, with output as it comes:", "herojob submit --runner web-1 --follow deploy.hero"],
    [
      "Sign jobs:",
      "herojob keygen --name alice --out alice.key\nherojob submit --runner web-1 --key alice.key --wait deploy.hero",
    ],
    ["Why did it end like that, and what now:", "herojob explain 42 --runner web-1"],
  ],
  seeAlso: ["herorunner", "herosupervisor", "hero"],
};

export const heroTexts: ManualTexts = {
  summary: "checks, formats and runs heroscripts",
  description: [
    "A heroscript is a list of actions, such as `!!git.list`, and JavaScript statements between them. `hero` checks all of it before " +
      "anything runs and says everything that is wrong at once, with line and column. Scripts run in a sandbox with no access " +
      "to anything but `print`, `env`, `args`, `fail` and the actors.",
    "`hero actors` lists what scripts can do, and explains every action and its parameters.",
  ],
  environment: [
    ["HERO_ALLOW", "only these actions may run, as with `--allow`; both hold when both are given"],
    ["HOME", "what `~` means in paths"],
    ["NO_COLOR", "no colours in reports"],
  ],
  files: [["*.hero, *.heroscript, *.hs", "scripts; in *.md only the lines of actions count"]],
  exits: pairs(heroExits, {
    done: "done",
    failed: "an action or a statement failed",
    usage: "wrong command line, or a script that cannot be read",
    syntax: "a mistake in the script's syntax",
    unknown: "an actor or action that is not known",
    badParameter: "a parameter that is wrong or not known",
    notAllowed: "an action outside what `--allow` names",
  }),
  examples: [
    ["A script on standard input, as herorunner calls it:", "echo 'print(\"hello\")' | hero run -s"],
    ["What would a script do:", "hero run --plan deploy.hero"],
    ["All scripts of a folder, checked:", "hero check scripts"],
    ["Documentation of one action:", "hero actors git.list"],
  ],
  seeAlso: ["herorunner", "herojob"],
};

function pairs<const T extends Readonly<Record<string, number>>>(
  codes: T,
  texts: Readonly<Record<keyof T & string, string>>,
): ManualTexts["exits"] {
  const told = new Map(Object.entries<string>(texts));
  return Object.entries(codes).map(([name, code]) => [code, told.get(name) ?? ""] as const);
}
