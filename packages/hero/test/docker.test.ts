import { describe, expect, test } from "vitest";
import { dockerStub } from "./support/docker-stub.ts";
import { hero } from "./support/hero.ts";
import { runScript, type ScriptRun } from "./support/run-script.ts";

describe("the docker actor", () => {
  test.each([
    ["!!docker.ps", ["ps"]],
    [
      "!!docker.ps all:true filter:'name=web' format:'{{.ID}}'",
      ["ps", "--all", "--filter", "name=web", "--format", "{{.ID}}"],
    ],
    ["!!docker.images filter:dangling=true", ["images", "--filter", "dangling=true"]],
    ["!!docker.start name:web", ["start", "web"]],
    ["!!docker.start name:'a, b' c d", ["start", "a", "b", "c", "d"]],
    ["!!docker.stop name:web timeout:5", ["stop", "-t", "5", "web"]],
    ["!!docker.restart web", ["restart", "web"]],
    ["!!docker.logs name:web tail:10", ["logs", "--tail", "10", "web"]],
    ["!!docker.pull image:'a/b:1'", ["pull", "a/b:1"]],
    ["!!docker.rm name:web force:1", ["rm", "--force", "web"]],
    ["!!docker.rmi image:'a, b'", ["rmi", "a", "b"]],
    ["!!docker.inspect name:web", ["inspect", "web"]],
    ["!!docker.exec name:web cmd:'ls -l \\'/my folder\\''", ["exec", "web", "ls", "-l", "/my folder"]],
    [
      "!!docker.exec name:web cmd:'echo $HOME; rm -rf / | cat'",
      ["exec", "web", "echo", "$HOME;", "rm", "-rf", "/", "|", "cat"],
    ],
    [
      "!!docker.run image:nginx name:web env:'A=1, B=x y' ports:'80:80,81:81' volumes:'/a:/b' remove:true",
      [
        "run",
        "--detach",
        "--rm",
        "--name",
        "web",
        "--env",
        "A=1",
        "--env",
        "B=x y",
        "--publish",
        "80:80",
        "--publish",
        "81:81",
        "--volume",
        "/a:/b",
        "nginx",
      ],
    ],
    ["!!docker.run image:busybox detach:false cmd:'echo hi'", ["run", "busybox", "echo", "hi"]],
    ["docker.run({image: 'busybox', cmd: ['echo', 'a b']})", ["run", "--detach", "busybox", "echo", "a b"]],
    ["docker.start('web', 'db')", ["start", "web", "db"]],
    ["docker.stop({name: ['web', 'db'], timeout: 3})", ["stop", "-t", "3", "web", "db"]],
  ])("%s", async (text, args) => {
    const stub = dockerStub();
    const { code, report } = await runScript(text, { env: stub.env });
    expect(report).toBe("");
    expect(stub.calls()).toEqual([args]);
    expect(code).toBe(0);
  });

  test("what docker prints is passed on, and the data is for calls", async () => {
    const stub = dockerStub();
    stub.answer("text", "ps", "CONTAINER ID   NAMES\n1a2b           web\n");
    stub.answer("json", "ps", '{"ID":"1a2b","Names":"web"}\n{"ID":"3c4d","Names":"db"}\n');
    const text = "!!docker.ps\nfor (const c of docker.ps({ all: true })) print(c.Names)";
    expect((await runScript(text, { env: stub.env })).out).toEqual([
      "CONTAINER ID   NAMES\n1a2b           web",
      "web",
      "db",
    ]);
    const { results } = await runScript("!!docker.ps", { env: stub.env, json: true });
    expect(results).toEqual([
      {
        action: "docker.ps",
        data: [
          { ID: "1a2b", Names: "web" },
          { ID: "3c4d", Names: "db" },
        ],
      },
    ]);
  });

  test("a started program finds its standard input empty, even after a script came that way", () => {
    const stub = dockerStub();
    stub.answer("text", "ps", "rows\n");
    const end = hero(["run", "-s"], { input: "!!docker.ps\n// the rest of the script\n", env: stub.env });
    expect(end).toEqual({ code: 0, stdout: "rows\n", stderr: "" });
    expect(stub.stdin()).toBe("");
  });

  test("streams keep their order with what the script prints", () => {
    const stub = dockerStub();
    stub.answer("text", "logs", "from the container\n");
    const end = hero(["run", "-s"], {
      input: "print('before')\n!!docker.logs name:web\nprint('after')",
      env: stub.env,
    });
    expect(end.stdout).toBe("before\nfrom the container\nafter\n");
  });

  test("a failing engine is one clear sentence and exit code 1", async () => {
    const stub = dockerStub();
    stub.failWith("some noise\nCannot connect to the Docker daemon. Is the docker daemon running?\n");
    const { code, diagnostics, notes } = await runScript("!!docker.ps", { env: stub.env });
    expect(code).toBe(1);
    expect(notes).toEqual([]);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "docker.ps failed: docker ps ended with status 1: Cannot connect to the Docker daemon. Is the docker daemon running?",
    ]);
  });

  test("a missing program is one clear sentence and exit code 1", async () => {
    const { code, diagnostics } = await runScript("!!docker.ps", { env: { PATH: "/nowhere" } });
    expect(code).toBe(1);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "docker.ps failed: docker is not installed here: no program of that name on PATH",
    ]);
  });

  test.each([
    ["!!docker.start", "needs the name of a container"],
    ["!!docker.start name:''", "needs the name of a container"],
    ["!!docker.start name:'-v'", "looks like an option"],
    ["!!docker.pull image:'--all-tags'", "looks like an option"],
    ["!!docker.logs name:'-f'", "looks like an option"],
    ["!!docker.stop web timeout:soon", "must be a whole number"],
    ["!!docker.exec name:web cmd:'echo \\\"'", "holds a quote that is never closed"],
    ["docker.start('-x')", "looks like an option"],
    ["docker.rm({ name: ['ok', '--volumes'] })", "looks like an option"],
    ["!!docker.configure x:1", "nothing to configure"],
  ])("%s is refused", async (text, message) => {
    const stub = dockerStub();
    const { code, report } = await runScript(text, { env: stub.env });
    expect(report).toContain(message);
    expect(code).toBe(text.includes("configure") ? 1 : 5);
    expect(stub.calls()).toEqual([]);
  });

  test("a program that hangs is ended with the time of the script", async () => {
    const stub = dockerStub();
    stub.hang();
    const runFor = (timeoutMs: number): Promise<ScriptRun> =>
      runScript("!!docker.ps\nprint('not this')", { env: stub.env, timeoutMs });
    let ended = await runFor(300);
    // On a busy machine the time may be up before the program is started.
    for (let timeoutMs = 1_200; stub.calls().length === 0 && timeoutMs <= 76_800; timeoutMs *= 4)
      ended = await runFor(timeoutMs);
    const { code, report } = ended;
    expect(code).toBe(1);
    expect(report).toContain("docker was stopped at the time limit of the script");
  });
});
