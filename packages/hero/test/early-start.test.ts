/** hero that is started before its job, as a runner with --prewarm does. */
import { describe, expect, it } from "vitest";
import { hero, heroThatWaits } from "./support/hero.ts";

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
    expect(await heroThatWaits([input], early)).toEqual(asEver);
    expect(hero(["run", "-s"], { input, env: early })).toEqual(asEver);
  });

  it("takes a script that comes in pieces, within a character too", async () => {
    const euro = Buffer.from("€");
    const pieces = ['{"LATE":"the', 're"}\nprint("', euro.subarray(0, 1), euro.subarray(1)];
    pieces.push('")\nprint(env.LATE)\n');
    expect(await heroThatWaits(pieces, early)).toEqual({ code: 0, stdout: "€\nthere\n", stderr: "" });
  });

  it("takes a script that is longer than a pipe holds and was there before it looked", () => {
    const input = `{}\n${'print("line")\n'.repeat(20_000)}`;
    const { code, stdout } = hero(["run", "-s"], { input, env: early });
    expect({ code, lines: stdout.length }).toEqual({ code: 0, lines: 100_000 });
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
