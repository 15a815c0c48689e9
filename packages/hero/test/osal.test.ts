import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dockerStub } from "./support/docker-stub.ts";
import { temporaryFolder } from "./support/hero.ts";
import { runScript } from "./support/run-script.ts";

describe("environment variables", () => {
  test("are set, kept, removed and seen at once", async () => {
    const { out } = await runScript(
      [
        "!!osal.env_set key:MY_VAR value:one",
        "print(env.MY_VAR)",
        "!!osal.env_set key:MY_VAR value:two overwrite:false",
        "print(env.MY_VAR)",
        "!!osal.env_unset key:MY_VAR",
        "print(env.MY_VAR)",
        "!!osal.env_set_all alpha:1 beta:'two words'",
        "osal.env_set_all({ GAMMA: 3, overwrite_if_exists: true })",
        "print(env.alpha, env.beta, env.GAMMA)",
      ].join("\n"),
      { env: {} },
    );
    expect(out).toEqual(["one", "one", "undefined", "1 two words 3"]);
  });

  test("reach the programs a script starts", async () => {
    const stub = dockerStub();
    stub.answer("text", "ps", "found\n");
    const { STUB, ...env } = stub.env;
    const { out } = await runScript(`!!osal.env_set key:STUB value:'${STUB}'\n!!docker.ps`, { env });
    expect(out).toEqual(["found"]);
  });

  test("are loaded from a file next to the script", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "app.env"), '# comment\n\nA=1\nexport B="two words"\nC=x=y\n');
    const { out } = await runScript("!!osal.env_load_file file_path:app.env\nprint(env.A, env.B, env.C)", {
      env: {},
      folder,
    });
    expect(out).toEqual(["1 two words x=y"]);
    writeFileSync(join(folder, "bad.env"), "A=1\nnonsense\n");
    const bad = await runScript("!!osal.env_load_file file_path:bad.env", { env: {}, folder });
    expect(bad.report).toContain("line 2 of");
  });

  test.each([
    "PATH",
    "HOME",
    "LD_PRELOAD",
    "GIT_SSH_COMMAND",
    "NODE_OPTIONS",
    "BASH_ENV",
    "DOCKER_HOST",
    "path",
    "XDG_CONFIG_HOME",
  ])("%s steers other programs and cannot be set in any way", async (name) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "x.env"), `${name}=evil\n`);
    for (const text of [
      `!!osal.env_set key:${name} value:x`,
      `!!osal.env_unset key:${name}`,
      `!!osal.env_set_all ${name}:x`,
      `osal.env_set_all({ ${name}: "x" })`,
      "!!osal.env_load_file file_path:x.env",
    ]) {
      const { code, report } = await runScript(text, { folder });
      expect(report).toContain("steers the programs");
      expect(code).not.toBe(0);
    }
  });

  test("clearing keeps what steers programs", async () => {
    const { out } = await runScript("!!osal.env_set_all clear_before_set:true a:1\nprint(Object.keys(env))", {
      env: { PATH: "/bin", OTHER: "x" },
    });
    expect(out).toEqual(['["PATH","a"]']);
  });
});
