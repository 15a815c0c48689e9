/** What must never be seen: a payload, a value of env_vars, a password, in any log at the loudest level. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { startHerorunner } from "../support/herorunner.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { shellHero } from "../support/stand-in-hero.ts";

const planted = {
  password: "PLANTED-redis-pass",
  payload: "PLANTED-payload",
  value: "PLANTED-env-value",
  output: "PLANTED-output",
  signature: "PLANTED-signature",
};
let server: RedisServer;
let redis: RedisClient;
let url: string;

beforeAll(async () => {
  const port = await freePort();
  server = await startRedis({ port, args: ["--requirepass", planted.password] });
  url = `redis://:${planted.password}@127.0.0.1:${port}`;
  redis = connectRedis(url);
});
afterAll(async () => {
  redis.close();
  await server.stop();
});

test.each(["text", "json"])(
  "nothing planted appears in a %s log at DEBUG, whatever happens to the jobs",
  async (format) => {
    const id = `secrets-${format}`;
    const args = ["-r", url, id, "--log-level", "DEBUG", "--log-format", format, "--hero", await shellHero()];
    const runner = await startHerorunner([...args, "--listen", "127.0.0.1:0", "--max-payload", "2000"]);
    const env = JSON.stringify({ API_TOKEN: planted.value, PLAIN: planted.value });
    const script = `# ${planted.payload}\necho ${planted.output}; echo ${planted.output} >&2;`;
    const jobs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      good: { payload: `${script} exit 0`, env_vars: env },
      fails: { payload: `${script} exit 5`, env_vars: env },
      refused: { payload: `${script} exit 0`, env_vars: `{"A B":"${planted.value}"}` },
      "not-json": { payload: script, env_vars: `{"A":"${planted.value}"` },
      large: { payload: `${script} ${planted.payload.repeat(200)}` },
      signed: { payload: script, signatures: `["${planted.signature}"]` },
      late: { payload: `${script} exec sleep 300`, timeout: "1", env_vars: env },
    };
    for (const [job, fields] of Object.entries(jobs)) await redis.submit(id, job, fields);
    for (const job of Object.keys(jobs)) await redis.final(id, job);
    expect(await redis.job(id, "good")).toMatchObject({ status: "finished", result: `${planted.output}\n` });
    const address = /address"?[=:]"?([\d.]+:\d+)/.exec(runner.stdout())?.[1];
    const scraped = await (await fetch(`http://${address}/metrics`)).text();
    runner.signal("SIGTERM");
    expect(await runner.exited).toBe(0);
    const said = runner.stdout() + runner.stderr() + scraped;
    expect(said).toContain("job claimed");
    for (const secret of Object.values(planted)) expect(said).not.toContain(secret);
  },
);
