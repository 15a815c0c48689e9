/** Runs a script in this process and keeps what it printed, its exit code and its diagnostics. */
import type { RunOutput } from "../../src/output.ts";
import { Registry } from "../../src/registry.ts";
import type { Source } from "../../src/run/program.ts";
import { runSources, type RunOptions } from "../../src/run/run.ts";
import { formatDiagnostic, type Diagnostic } from "../../src/script/diagnostics.ts";

export interface ScriptRun {
  readonly code: number;
  /** Lines on standard output. */
  readonly out: string[];
  /** Results of actions in JSON mode. */
  readonly results: { action: string; data: unknown }[];
  readonly notes: string[];
  readonly diagnostics: Diagnostic[];
  /** All diagnostics as people see them. */
  readonly report: string;
}

export interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly allow?: readonly (readonly string[])[];
  readonly args?: readonly string[];
  readonly json?: boolean;
  readonly folder?: string;
  readonly home?: string;
  readonly prose?: boolean;
  readonly timeoutMs?: number;
  readonly alwaysEngine?: boolean;
  readonly registry?: Registry;
  readonly file?: string;
}

export async function runScript(text: string, given: Given = {}): Promise<ScriptRun> {
  const run = {
    out: [] as string[],
    results: [] as { action: string; data: unknown }[],
    notes: [] as string[],
    diagnostics: [] as Diagnostic[],
    report: "",
  };
  const output: RunOutput = {
    json: given.json ?? false,
    print: (line) => void run.out.push(line),
    result: (action, data) => void run.results.push({ action, data }),
    note: (line) => void run.notes.push(line),
  };
  const folder = given.folder ?? "/nowhere";
  const options: RunOptions = {
    registry: given.registry ?? new Registry(),
    output,
    allow: given.allow ?? [],
    environment: given.env ?? { PATH: process.env["PATH"] },
    home: given.home ?? "/nowhere",
    cwd: process.cwd(),
    args: given.args ?? [],
    deadlineMs: given.timeoutMs === undefined ? undefined : performance.now() + given.timeoutMs,
    nowMs: () => performance.now(),
    report: ({ source, script }, diagnostic) => {
      run.diagnostics.push(diagnostic);
      run.report += `${formatDiagnostic(diagnostic, { name: source.name, lines: script.lines })}\n`;
    },
    ...(given.alwaysEngine === undefined ? {} : { alwaysEngine: given.alwaysEngine }),
  };
  const source: Source = {
    name: "test.hero",
    text,
    folder,
    prose: given.prose ?? false,
    ...(given.file === undefined ? {} : { file: given.file }),
  };
  const code = await runSources([source], options);
  return { code, ...run };
}
