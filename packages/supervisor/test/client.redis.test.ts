/** The typed client: what it answers, what it throws, and that it lets itself be stopped. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RpcClient, SupervisorError } from "../src/client.ts";
import { eventsOf } from "../src/client-events.ts";
import { adminSecret, type Harness, type Served, startHarness } from "./support/harness.ts";

let harness: Harness;
let served: Served;

beforeAll(async () => {
  harness = await startHarness();
  served = await harness.serve();
});
afterAll(() => harness.stop());

function client(key = adminSecret, url = served.url): RpcClient {
  return new RpcClient({ url, key });
}

describe("the client", () => {
  it("answers results by name, with a slash at the end of the address or without", async () => {
    for (const url of [served.url, `${served.url}/`]) {
      expect(await client(adminSecret, url).call("runner.list", {})).toEqual({ runners: [] });
    }
  });

  it("throws what the supervisor refused, with code, reason and hint", async () => {
    const refused = client().call("runner.get", { id: "nobody" });
    await expect(refused).rejects.toBeInstanceOf(SupervisorError);
    await expect(refused).rejects.toMatchObject({ code: -32004, reason: "runner_not_found" });
    await expect(client("wrong").call("runner.list", {})).rejects.toMatchObject({
      code: -32001,
      reason: "bad_key",
    });
  });

  it("throws code 0 and `unavailable` when nobody or somebody else answers", async () => {
    const nobody = client(adminSecret, "http://127.0.0.1:1").call("runner.list", {});
    await expect(nobody).rejects.toMatchObject({ code: 0, reason: "unavailable" });
    const other = new RpcClient({
      url: served.url,
      key: adminSecret,
      fetch: () => Promise.resolve(new Response("<html>a proxy</html>", { status: 502 })),
    });
    await expect(other.call("runner.list", {})).rejects.toMatchObject({ code: 0 });
  });

  it("rejects with the signal's reason when it is aborted", async () => {
    const runner = harness.runner();
    await served.call("runner.register", { id: runner.id });
    const signal = AbortSignal.timeout(100);
    const params = { runner: runner.id, payload: "x", wait: 30 };
    await expect(client().call("job.run", params, { signal })).rejects.toMatchObject({
      name: "TimeoutError",
    });
  });

  it("reads events however the body is cut", async () => {
    const text =
      'retry: 1\n\n:\n\nid: 1\nevent: out\ndata: {"a":"\u00e9"}\n\nevent: end\ndata: 1\ndata: 2\n\nevent: cut';
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 2, 3, 7, 1000]) {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
          controller.close();
        },
      });
      const events = [];
      for await (const event of eventsOf(body)) events.push(event);
      expect(events).toEqual([
        { id: "1", event: "out", data: '{"a":"\u00e9"}' },
        { id: undefined, event: "end", data: "1\n2" },
      ]);
    }
  });
});
