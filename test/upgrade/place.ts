/** A place for a long-lived program: options, state and address stay, the process in it is now of one build, now of the other. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { until } from "../support/until.ts";
import type { Build, Program } from "./builds.ts";

export interface PlaceOptions {
  readonly program: Program;
  readonly args: readonly string[];
  /** Home and working folder. */
  readonly folder: string;
  /** The log says this when the program is ready. */
  readonly readyWhen: string;
}

/** One process that was in a place. */
export interface Tenant {
  readonly build: Build["name"];
  readonly pid: number;
}

export class Place {
  readonly #options: PlaceOptions;
  #child: ChildProcess | undefined;
  #log = "";
  readonly tenants: Tenant[] = [];

  constructor(options: PlaceOptions) {
    this.#options = options;
  }

  get tenant(): Tenant {
    const last = this.tenants.at(-1);
    if (last === undefined) throw new Error("nothing was started here");
    return last;
  }

  /** Resolves when the program is ready. */
  async start(build: Build): Promise<void> {
    const { program, args, folder, readyWhen } = this.#options;
    const child = spawn(process.execPath, [build.program(program), ...args], {
      env: { PATH: process.env["PATH"] ?? "", HOME: folder },
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#log = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#log += text));
    // When the test itself is ended from outside, nobody is left behind.
    const lastResort = (): void => void child.kill("SIGKILL");
    process.once("exit", lastResort);
    child.once("exit", () => process.off("exit", lastResort));
    await until(() => this.#log.includes(readyWhen) || child.exitCode !== null, `${program} is ready`);
    if (child.exitCode !== null) throw new Error(`the ${build.name} ${program} did not start:\n${this.#log}`);
    this.tenants.push({ build: build.name, pid: child.pid ?? 0 });
  }

  /** Asks the program to stop; answers its exit code, or the signal that ended it. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number | string> {
    const child = this.#child;
    if (child === undefined) return "nothing ran";
    this.#child = undefined;
    if (child.exitCode !== null || child.signalCode !== null)
      return child.exitCode ?? String(child.signalCode);
    const gone = once(child, "exit");
    child.kill(signal);
    const [code, ended] = (await gone) as [number | null, NodeJS.Signals | null]; // as Node documents them
    return code ?? String(ended);
  }
}
