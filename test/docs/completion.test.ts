/**
 * Completion in real shells, and hero's scripts, which are files: write them anew after a change of a table with
 *
 *   UPDATE_DOCS=1 npx vitest run test/docs
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completionScript, type Program } from "@herorunner/daemon";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bashScript } from "../../packages/daemon/src/completion/bash.ts";
import { fishScript } from "../../packages/daemon/src/completion/fish.ts";
import { zshScript } from "../../packages/daemon/src/completion/zsh.ts";
import { Registry } from "../../packages/hero/src/registry.ts";
import { program as herojob } from "../../packages/herojob/src/options.ts";
import { program as herorunner } from "../../packages/herorunner/src/options.ts";
import { program as herosupervisor } from "../../packages/supervisor/src/options.ts";
import { needDebianPrograms } from "../support/debian-programs.ts";
import { heroCompletion } from "./support/hero-completion.ts";
import { bashOffers, fishOffers, type Typing, zshMakes } from "./support/shells.ts";

const shells = ["bash", "zsh", "fish"] as const;
const heroScripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
const heroFolder = join(import.meta.dirname, "../../packages/hero/completions");

let folder = "";
beforeAll(async () => {
  await needDebianPrograms("zsh", "fish");
  folder = await mkdtemp(join(tmpdir(), "herorunner-completion-"));
  for (const shell of shells) {
    for (const program of [herorunner, herosupervisor, herojob])
      await writeFile(join(folder, `${program.name}.${shell}`), completionScript(program, shell));
    await writeFile(join(folder, `hero.${shell}`), heroScripts[shell](heroCompletion(new Registry().names)));
  }
  await writeFile(join(folder, "a job.json"), "");
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function typing(program: string, shell: string): Typing {
  return { folder, script: `${program}.${shell}`, program };
}

describe("bash", () => {
  const offers = (...words: string[]) => bashOffers(typing(words[0] ?? "", "bash"), words);

  it("completes commands, flags, values and files of herorunner", async () => {
    expect(await offers("herorunner", "")).toEqual(["verify", "doctor", "completion"]);
    expect(await offers("herorunner", "--log-")).toEqual(["--log-level", "--log-format"]);
    expect(await offers("herorunner", "--log-format", "")).toEqual(["text", "json"]);
    expect(await offers("herorunner", "--log-format", "=", "j")).toEqual(["json"]);
    expect(await offers("herorunner", "-r", "redis://x", "doctor", "--js")).toEqual(["--json"]);
    expect(await offers("herorunner", "verify", "a")).toEqual(["a job.json"]);
    expect(await offers("herorunner", "verify", "--config", "a")).toEqual(["a job.json"]);
    expect(await offers("herorunner", "-r", "")).toEqual([]);
  });

  it("knows herosupervisor, hero and herojob too", async () => {
    expect(await offers("herosupervisor", "--admin")).toEqual(["--admin-secret", "--admin-secret-file"]);
    expect(await offers("herosupervisor", "c")).toEqual(["completion"]);
    expect(await offers("hero", "ch")).toEqual(["check"]);
    expect(await offers("hero", "run", "--pl")).toEqual(["--plan"]);
    expect(await offers("hero", "actors", "d")).toEqual(["docker"]);
    expect(await offers("herojob", "list", "--status", "f")).toEqual(["finished"]);
  });
});

describe("zsh", () => {
  const makes = (program: string, line: string) => zshMakes(typing(program, "zsh"), `${program} ${line}`);

  it("completes commands, flags, values and files", async () => {
    expect(await makes("herorunner", "doc")).toBe("doctor");
    expect(await makes("herorunner", "--log-format j")).toBe("--log-format json");
    expect(await makes("herorunner", "-r redis://x completion z")).toBe("-r redis://x completion zsh");
    expect(await makes("herorunner", "verify a")).toBe("verify a job.json");
    expect(await makes("herosupervisor", "--tls")).toBe("--tls-proxy");
    expect(await makes("hero", "run --pl")).toBe("run --plan");
    expect(await makes("herojob", "list --status fin")).toBe("list --status finished");
  });
});

describe("fish", () => {
  const offers = (program: string, line: string) => fishOffers(typing(program, "fish"), `${program} ${line}`);

  it("completes commands, flags, values and files", async () => {
    expect(await offers("herorunner", "doc")).toEqual(["doctor"]);
    expect(await offers("herorunner", "--log-format ")).toEqual(["json", "text"]);
    expect(await offers("herorunner", "-r redis://x completion z")).toEqual(["zsh"]);
    expect(await offers("herorunner", "verify a")).toEqual(["a job.json"]);
    expect(await offers("herosupervisor", "--tls")).toEqual(["--tls-proxy"]);
    expect(await offers("hero", "run --pl")).toEqual(["--plan"]);
    expect(await offers("herojob", "list --status fin")).toEqual(["finished"]);
  });
});

describe.each(shells)("the completion of %s", (shell) => {
  it.each<Program>([herorunner, herosupervisor, herojob])(
    "knows every command and flag of $name",
    (program) => {
      const script = completionScript(program, shell);
      for (const [name, { options }] of Object.entries(program.commands)) {
        if (name !== program.main) expect(script).toContain(name);
        const flags = Object.values(options).map(({ flag }) => flag);
        expect(flags.filter((flag) => !new RegExp(`(--|-l )${flag}\\b`).test(script))).toEqual([]);
      }
    },
  );

  it("is printed by hero as its tables say", async () => {
    const made = heroScripts[shell](heroCompletion(new Registry().names));
    const file = join(heroFolder, `hero.${shell}`);
    if (process.env["UPDATE_DOCS"] === "1") await writeFile(file, made);
    expect(await readFile(file, "utf8").catch(() => "missing")).toBe(made);
  });
});
