/** hero that is started before its job, as a runner with --prewarm does. */
import { describe, expect, it } from "vitest";
import { hero, heroOnPipe } from "./support/hero.ts";

const early = { HERO_LATE_ENV: "stdin" };

describe("hero run -s with HERO_LATE_ENV=stdin", () => {
  it("reads variables from the first line and the script from the rest", () => {
    const input = '{"MY_VAR":"late","HERO_JOB_ID":"7"}\nprint(env.MY_VAR)\nprint(env.HERO_JOB_ID + "!")\n';
    expect(hero(["run", "-s"], { input, env: early })).toEqual({ code: 0, stdout: "late\n7!\n", stderr: "" });
  });

  it("does not show scripts the variable that said so", () => {
    const input = "{}\nprint(String(env.HERO_LATE_ENV))\n";
    expect(hero(["run", "-s"], { input, env: early }).stdout).toBe("undefined\n");
  });

  it("gives the variables to actions too", () => {
    const input = '{"LATE":"there"}\n!!env.get key:LATE\n';
    const asEver = hero(["run", "-s"], { input: "!!env.get key:LATE\n", env: { LATE: "there" } });
    expect(hero(["run", "-s"], { input, env: early })).toEqual(asEver);
  });

  it("leaves nothing of what was run to warm up: no output, no name, no variable", async () => {
    const input = '{"LATE":"there"}\nlet found = typeof a + " " + env.LATE\nprint(found)\n';
    const asEver = { code: 0, stdout: "undefined there\n", stderr: "" };
    expect(await heroOnPipe({ late: [input] }, early)).toEqual(asEver);
    expect(await heroOnPipe({ before: input }, early)).toEqual(asEver);
    expect(hero(["run", "-s"], { input, env: early })).toEqual(asEver);
  });

  it("takes a script of which a part was there when it looked, and the rest comes in pieces, cut within a character", async () => {
    const euro = Buffer.from("€");
    const late = ['re"}\nprint("', euro.subarray(0, 1), euro.subarray(1), '")\nprint(env.LATE)\n'];
    const asEver = { code: 0, stdout: "€\nthere\n", stderr: "" };
    expect(await heroOnPipe({ before: '{"LATE":"the', late }, early)).toEqual(asEver);
  });

  it("takes a script that is longer than a pipe holds", async () => {
    const line = 'print("line")\n';
    const { code, stdout } = await heroOnPipe(
      { before: `{}\n${line.repeat(4_000)}`, late: [line.repeat(16_000)] },
      early,
    );
    expect({ code, bytes: stdout.length }).toEqual({ code: 0, bytes: 100_000 });
  });

  it("counts lines from the script", () => {
    const input = "{}\nprint('fine')\nlet = broken\n";
    const { code, stderr } = hero(["run", "-s"], { input, env: early });
    expect(code).toBe(3);
    expect(stderr).toContain("<stdin>:2:");
  });

  it("does nothing with an empty script", () => {
    expect(hero(["run", "-s"], { input: "{}", env: early })).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it.each(["print('x')", "[]", '{"A":1}', ""])(
    "refuses input that begins with %j, with exit code 2",
    (line) => {
      const { code, stdout, stderr } = hero(["run", "-s"], { input: `${line}\nprint("ran")\n`, env: early });
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain("does not begin with a line that is a JSON object of texts");
    },
  );
});
