import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import {
  baseEnvironment,
  type EnvironmentFacts,
  type EnvironmentPolicy,
  jobEnvironment,
  type JobEnvironment,
  parseAllowedNames,
} from "@herorunner/runner";

const facts: EnvironmentFacts = {
  ...{ id: "42", callerId: "alice", contextId: "ctx", runner: "r1", trace: "", envUnsafe: false },
  envVars: new Map(),
};
const policy: EnvironmentPolicy = { base: new Map([["PATH", "/bin"]]), allow: new Set() };

function withVariables(
  variables: Iterable<readonly [string, string]>,
  rest: Partial<EnvironmentFacts> = {},
): JobEnvironment {
  return jobEnvironment(policy, { ...facts, envVars: new Map(variables), ...rest });
}

function refusedName(name: string, value = "x"): string | undefined {
  const answer = withVariables([[name, value]]);
  return answer.ok ? undefined : answer.name;
}

/** Every name that is refused by default: a change here is a change of what jobs may do. */
const refused = [
  ...[
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "GLIBC_TUNABLES",
    "GCONV_PATH",
    "MALLOC_CHECK_",
    "DYLD_INSERT_LIBRARIES",
  ],
  ...[
    "NODE_OPTIONS",
    "NODE_PATH",
    "BASH_ENV",
    "ENV",
    "BASH_FUNC_x",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
  ],
  ...[
    "IFS",
    "CDPATH",
    "GLOBIGNORE",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PERL5LIB",
    "PERL5OPT",
    "PERL5DB",
    "PERLLIB",
  ],
  ...[
    "PERLIO_DEBUG",
    "RUBYLIB",
    "RUBYOPT",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CLASSPATH",
  ],
  ...[
    "LUA_INIT",
    "LUA_INIT_5_4",
    "GIT_SSH_COMMAND",
    "GIT_EXEC_PATH",
    "GIT_CONFIG_COUNT",
    "GIT_EXTERNAL_DIFF",
  ],
  ...[
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BROWSER",
    "LESSOPEN",
    "LESSCLOSE",
    "HOSTALIASES",
  ],
  ...["LOCALDOMAIN", "RES_OPTIONS", "NLSPATH", "TERMINFO", "TERMINFO_DIRS", "TERMCAP", "ZDOTDIR", "FPATH"],
  ...[
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "SSLKEYLOGFILE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "HTTPS_PROXY",
  ],
  ...[
    "no_proxy",
    "All_Proxy",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "KUBECONFIG",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "PATH",
    "HOME",
  ],
  ...[
    "USER",
    "LOGNAME",
    "SHELL",
    "REDIS_URL",
    "REDIS_PASSWORD",
    "HERORUNNER_TRUST",
    "HEROSUPERVISOR_ADMIN_SECRET_FILE",
  ],
];
const reserved = [
  "HERO_RUN_TOKEN",
  "HERO_JOB_ID",
  "HERO_CALLER_ID",
  "HERO_CONTEXT_ID",
  "HERO_RUNNER",
  "HERO_ANYTHING",
];

describe("the environment of a job", () => {
  it("holds the base, the job's variables and what the runner states, and nothing of the runner's own", () => {
    const answer = withVariables([["GREETING", "hello"]]);
    expect(answer.ok && Object.fromEntries(answer.env)).toEqual({
      ...{ PATH: "/bin", GREETING: "hello" },
      ...{ HERO_JOB_ID: "42", HERO_CALLER_ID: "alice", HERO_CONTEXT_ID: "ctx", HERO_RUNNER: "r1" },
    });
  });

  it("tells the trace when there is one", () => {
    const answer = withVariables([], { trace: "00-abc-def-01" });
    expect(answer.ok && answer.env.get("TRACEPARENT")).toBe("00-abc-def-01");
  });

  it("is made anew for each job", () => {
    const first = withVariables([["ONLY_FIRST", "1"]]);
    const second = withVariables([]);
    expect(first.ok && first.env.has("ONLY_FIRST")).toBe(true);
    expect(second.ok && second.env.has("ONLY_FIRST")).toBe(false);
    expect(policy.base.size).toBe(1);
  });

  it.each(refused)("refuses %s by name", (name) => {
    expect(refusedName(name)).toBe(name);
  });

  it.each(reserved)("never lets a job set %s, whoever signed it and whatever is allowed", (name) => {
    const generous = { ...policy, allow: new Set([name]) };
    const answer = jobEnvironment(generous, { ...facts, envVars: new Map([[name, "x"]]), envUnsafe: true });
    expect(answer).toMatchObject({ ok: false, reason: "env_refused", name });
  });

  it.each([
    "MY_VAR",
    "_x",
    "LDX",
    "GITHUB_SHA",
    "NODE",
    "A".repeat(128),
    "__proto__",
    "constructor",
    "proxy",
  ])("lets a job set %s", (name) => {
    expect(refusedName(name)).toBeUndefined();
  });

  it.each(["", "1A", "A B", "A-B", "A=B", "LD_PRELOAD=/evil.so:", "é", "A\n", "A\0B", "A".repeat(129)])(
    "refuses %j, which is no name",
    (name) => {
      expect(refusedName(name)).toBeDefined();
    },
  );

  it("opens single names for all jobs, and all names but the runner's to signers that may", () => {
    const allowing = { ...policy, allow: new Set(["DOCKER_HOST"]) };
    const variables = new Map([["DOCKER_HOST", "tcp://x"]]);
    expect(jobEnvironment(allowing, { ...facts, envVars: variables }).ok).toBe(true);
    expect(jobEnvironment(allowing, { ...facts, envVars: new Map([["KUBECONFIG", "x"]]) }).ok).toBe(false);
    expect(withVariables([["LD_PRELOAD", "/x.so"]], { envUnsafe: true }).ok).toBe(true);
  });

  it("says how the operator can open a name, and shows no value", () => {
    const answer = withVariables([["LD_PRELOAD", "/secret/place.so"]]);
    expect(answer).toMatchObject({ message: expect.stringContaining("--env-allow LD_PRELOAD:unsafe") });
    expect(JSON.stringify(answer)).not.toContain("secret");
  });

  it("refuses NUL and broken Unicode in a value", () => {
    expect(refusedName("A", "x\0y")).toBe("A");
    expect(refusedName("A", "x\ud800")).toBe("A");
    expect(refusedName("A", "🐎")).toBeUndefined();
  });

  it("refuses NUL in what the runner states", () => {
    expect(withVariables([], { callerId: "a\0b" })).toMatchObject({ ok: false, name: "HERO_CALLER_ID" });
  });

  it("takes a variable of 128 000 bytes with its name, and none larger", () => {
    expect(refusedName("A", "x".repeat(127_998))).toBeUndefined();
    expect(refusedName("A", "x".repeat(127_999))).toBe("A");
    expect(refusedName("A", "é".repeat(63_999))).toBeUndefined();
    expect(refusedName("A", "é".repeat(64_000))).toBe("A");
  });

  it("takes 1000 variables and 1 000 000 bytes, and no more", () => {
    const many = (count: number): Iterable<[string, string]> =>
      Array.from({ length: count }, (_, index): [string, string] => [`V${index}`, "x"]);
    expect(withVariables(many(1000)).ok).toBe(true);
    expect(withVariables(many(1001)).ok).toBe(false);
    const large = (bytes: number): [string, string][] =>
      Array.from({ length: 10 }, (_, index) => [`V${index}`, "x".repeat(bytes - 3)]);
    expect(withVariables(large(100_000)).ok).toBe(true);
    expect(withVariables([...large(100_000), ["W", ""]]).ok).toBe(false);
  });

  it("lets the largest environment it takes pass through a real exec", () => {
    const answer = withVariables(Array.from({ length: 10 }, (_, index) => [`V${index}`, "x".repeat(99_997)]));
    if (!answer.ok) throw new Error(answer.message);
    const result = spawnSync("/usr/bin/env", ["-0"], {
      env: Object.fromEntries(answer.env),
      maxBuffer: 4 * 1024 ** 2,
    });
    expect(result.stdout.length).toBeGreaterThan(1_000_000);
  });

  it("finds secrets by the names of their variables", () => {
    const answer = withVariables([
      ...([
        ["GH_TOKEN", "t1"],
        ["DB_PASSWORD", "t2"],
        ["APP_SECRET", "t3"],
        ["api_key", "t4"],
        ["TOKEN", "t5"],
      ] as const),
      ...([
        ["TOKENS", "no"],
        ["KEYBOARD", "no"],
        ["MONKEY", "no"],
      ] as const),
    ]);
    expect(answer.ok && [...answer.secrets].sort()).toEqual(["t1", "t2", "t3", "t4", "t5"]);
  });
});

describe("the base", () => {
  it("takes the runner's PATH and the basics and leaves the rest behind", () => {
    const own = {
      PATH: "/opt/bin:/bin",
      HOME: "/home/h",
      USER: "h",
      TZ: "Europe/Prague",
      REDIS_URL: "redis://:pw@x",
      LANG: "cs",
    };
    expect(Object.fromEntries(baseEnvironment(own))).toEqual({
      ...{ PATH: "/opt/bin:/bin", HOME: "/home/h", USER: "h", LOGNAME: "h", TZ: "Europe/Prague" },
      ...{ SHELL: "/bin/sh", LANG: "C.UTF-8", TMPDIR: "/tmp" },
    });
  });

  it("takes another PATH when told, and passes single names on when they exist", () => {
    const base = baseEnvironment({ PATH: "/x", NEEDED: "1" }, { path: "/y", pass: ["NEEDED", "ABSENT"] });
    expect(base.get("PATH")).toBe("/y");
    expect(base.get("NEEDED")).toBe("1");
    expect(base.has("ABSENT")).toBe(false);
  });

  it("masks a secret that was passed on", () => {
    const base = baseEnvironment({ DEPLOY_KEY: "hunter22" }, { pass: ["DEPLOY_KEY"] });
    const answer = jobEnvironment({ base, allow: new Set() }, facts);
    expect(answer.ok && answer.secrets).toEqual(["hunter22"]);
  });

  it("cannot be used to forge what the runner states", () => {
    const base = baseEnvironment({ HERO_JOB_ID: "forged" }, { pass: ["HERO_JOB_ID"] });
    const answer = jobEnvironment({ base, allow: new Set() }, facts);
    expect(answer.ok && answer.env.get("HERO_JOB_ID")).toBe("42");
  });
});

describe("--env-allow", () => {
  it("takes names, and names that load code only with the word unsafe", () => {
    const answer = parseAllowedNames(["HTTP_PROXY", "LD_LIBRARY_PATH:unsafe", "PATH"]);
    expect(answer.ok && [...answer.names]).toEqual(["HTTP_PROXY", "LD_LIBRARY_PATH", "PATH"]);
    for (const name of ["LD_PRELOAD", "DYLD_X", "GLIBC_TUNABLES", "GCONV_PATH"]) {
      expect(parseAllowedNames([name])).toMatchObject({
        ok: false,
        message: expect.stringContaining(`${name}:unsafe`),
      });
    }
  });

  it.each(["HERO_RUN_TOKEN", "HERO_X:unsafe", "A B", "", "A:", "A:safe", "A:unsafe:unsafe", "LD_*:unsafe"])(
    "refuses %j",
    (entry) => {
      expect(parseAllowedNames([entry]).ok).toBe(false);
    },
  );
});
