import { expect, test } from "vitest";
import { exitCodes } from "../src/exit-codes.ts";
import * as authors from "../src/index.ts";
import { Registry } from "../src/registry.ts";
import * as script from "../src/script/index.ts";

test("exit codes are a contract", () => {
  expect(exitCodes).toEqual({
    done: 0,
    failed: 1,
    usage: 2,
    syntax: 3,
    unknown: 4,
    badParameter: 5,
    notAllowed: 6,
  });
});

test("the public names are these", () => {
  expect(Object.keys(authors).sort()).toEqual(["defineAction", "defineActor"]);
  expect(Object.keys(script).sort()).toEqual([
    "conversionKinds",
    "convertParameter",
    "diagnosticCodes",
    "formatDiagnostic",
    "formatScript",
    "listActions",
    "nearestName",
    "parseScript",
    "printAction",
    "printActions",
    "printable",
  ]);
});

test("the actors and their actions are these", async () => {
  const registry = new Registry();
  await registry.load(registry.names);
  const names = registry
    .loaded()
    .flatMap((actor) => Object.keys(actor.actions).map((name) => `${actor.name}.${name}`));
  expect(names.sort()).toEqual(
    [
      "core.coderoot_set",
      ...[
        "configure",
        "exec",
        "images",
        "inspect",
        "logs",
        "ps",
        "pull",
        "restart",
        "rm",
        "rmi",
        "run",
        "start",
        "stop",
      ].map((name) => `docker.${name}`),
      ...[
        "clone",
        "commit",
        "define",
        "ensure",
        "list",
        "pull",
        "push",
        "reload",
        "reload_cache",
        "repo_action",
        "status",
      ].map((name) => `git.${name}`),
      ...["env_load_file", "env_set", "env_set_all", "env_unset", "load_env_file"].map(
        (name) => `osal.${name}`,
      ),
      "play.echo",
      "play.include",
      "session.env_set",
      "session.env_set_once",
    ].sort(),
  );
});
