/** Tools of Debian that read what we ship: installed where they are missing and may be; else one clear sentence. */
import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { debianPython, needPythonPackages } from "../../support/debian-python.ts";

const run = promisify(execFile);
const systemdAnalyze = "/usr/bin/systemd-analyze";

export interface Said {
  readonly exitCode: number;
  readonly text: string;
}

/** Runs `systemd-analyze`, which needs no running systemd for what we ask. Both streams come back. */
export async function analyze(args: readonly string[]): Promise<Said> {
  if (!existsSync(systemdAnalyze)) installSystemd();
  return run(systemdAnalyze, [...args], { env: { ...process.env, SYSTEMD_COLORS: "0" } }).then(
    ({ stdout, stderr }) => ({ exitCode: 0, text: stdout + stderr }),
    (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => ({
      exitCode: error.code,
      text: error.stdout + error.stderr,
    }),
  );
}

function installSystemd(): void {
  const sentence = "the tests of deploy/ need systemd-analyze of Debian; type: sudo apt-get install systemd";
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) throw new Error(sentence);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = (): unknown =>
    execFileSync("apt-get", ["-qq", "install", "-y", "--no-install-recommends", "systemd"], {
      env,
      stdio: "ignore",
    });
  try {
    install();
  } catch {
    execFileSync("apt-get", ["-qq", "update"], { env, stdio: "ignore" });
    install();
  }
  if (!existsSync(systemdAnalyze)) throw new Error(sentence);
}

/** Every document of a YAML file. Throws with the line where it is no YAML. */
export async function readYaml(file: string): Promise<readonly unknown[]> {
  await needPythonPackages({ "python3-yaml": "yaml" });
  const program = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
  const { stdout } = await run(debianPython, ["-c", program, file]);
  return JSON.parse(stdout) as readonly unknown[]; // a list, as the program above prints it
}

/** What Kubernetes' own models say against a file: a line for each missing or unknown field. */
export async function kubernetesFaults(file: string): Promise<string> {
  await needPythonPackages({ "python3-yaml": "yaml", "python3-kubernetes": "kubernetes" });
  const { stdout } = await run(debianPython, [join(import.meta.dirname, "kubernetes_fields.py"), file]);
  return stdout;
}
