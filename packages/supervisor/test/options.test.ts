/** The command line: what it takes, and what it refuses before anything is opened. */
import { load } from "@herorunner/daemon";
import { describe, expect, it } from "vitest";
import { program } from "../src/options.ts";

function loadWith(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const readFile = (path: string) =>
    path === "/secret" ? Promise.resolve("from the file\n") : Promise.reject(new Error("ENOENT"));
  return load({ program, argv, env, readFile });
}

describe("the command line of herosupervisor", () => {
  it("takes the usual line, and warns of the secret in it", async () => {
    const argv = ["--redis-url", "redis://127.0.0.1:6379", "--port", "8082", "--admin-secret", "abc"];
    const loaded = await loadWith(argv);
    expect(loaded).toMatchObject({
      kind: "command",
      config: { redisUrl: "redis://127.0.0.1:6379", port: 8082, host: "127.0.0.1", adminSecret: "abc" },
      warnings: [
        expect.stringContaining("--admin-secret holds a secret that every user of this host can read"),
      ],
    });
  });

  it("needs nothing on a loopback address", async () => {
    expect(await loadWith([])).toMatchObject({
      ...{
        kind: "command",
        warnings: [],
        config: { port: 8082, keyPrefix: "hero:", adminSecret: undefined },
      },
    });
  });

  it("takes the secret from a file or from the environment without a word", async () => {
    const given = [
      await loadWith(["--admin-secret-file", "/secret"]),
      await loadWith([], { HEROSUPERVISOR_ADMIN_SECRET: "from the environment" }),
      await loadWith([], { HEROSUPERVISOR_ADMIN_SECRET_FILE: "/secret" }),
    ];
    expect(given).toMatchObject(
      ["from the file", "from the environment", "from the file"].map((adminSecret) => ({
        ...{ kind: "command", warnings: [], config: { adminSecret } },
      })),
    );
  });

  it.each([
    ["beyond loopback without a secret", ["--host", "0.0.0.0"], "is missing"],
    [
      "beyond loopback with the word secret",
      ["--host", "::", "--admin-secret", "secret"],
      "anybody would try",
    ],
    ["with a Redis URL that is none", ["--redis-url", "http://x"], "--redis-url"],
    ["with an origin that is none", ["--allow-origin", "*"], "is not an origin"],
    ["with a port that is none", ["--port", "65536"], "--port"],
    ["with an option that is none", ["--no-such-option"], "there is no such option"],
  ])("refuses to start %s", async (_title, argv, sentence) => {
    const loaded = await loadWith(argv);
    expect(loaded).toMatchObject({ kind: "problems", text: expect.stringContaining(sentence) });
  });

  it("never shows the secret", async () => {
    const loaded = await loadWith(["--print-config", "--admin-secret", "hunter2"]);
    expect(loaded.kind).toBe("text");
    expect(JSON.stringify(loaded)).not.toContain("hunter2");
  });
});
