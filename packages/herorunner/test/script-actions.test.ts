import { describe, expect, it } from "vitest";
import { listActions } from "../src/script-actions.ts";

describe("listActions", () => {
  it.each([
    ["an action", "!!git.list", ["git.list"]],
    ["an action whatever its case", "!!Git.List", ["git.list"]],
    ["an action inside a block", "if (env.X) {\n!!docker.ps\n}", ["docker.ps"]],
    ["an action written as a call", "print(docker.ps())", ["docker.ps"]],
    ["a call inside a parameter", "!!git.list filter:'${docker.ps()}'", ["git.list", "docker.ps"]],
    ["nothing in plain statements", 'print("done", Math.max(1, 2), args.slice(1))', []],
    ["no call on what the script made itself", 'const names = ["a"]\nprint(names.join(","))', []],
  ])("finds %s", (_name, script, actions) => {
    expect(listActions(script)).toEqual({ actions, clean: true });
  });

  it("calls a script with any problem unclean", () => {
    expect(listActions("!!git.list filter:'open").clean).toBe(false);
    expect(listActions("if (true) {\nprint(1)").clean).toBe(false);
  });
});
