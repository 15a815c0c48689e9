/** What is said of a job whose submission failed, by what a supervisor answered, or did not. */
import { SupervisorClient } from "@herorunner/job";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { expect, it, onTestFinished } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import { submitRequest } from "../src/submit-request.ts";
import { hereShell } from "./support/here.ts";

interface StandIn {
  readonly url: string;
  readonly server: Server;
}

/** A supervisor that takes the key, and answers everything else like this. */
async function standIn(answer: (response: ServerResponse) => void): Promise<StandIn> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      response.setHeader("connection", "close"); // so that every call finds out whether the server is there
      if (body.includes('"job.list"')) response.end('{"jsonrpc":"2.0","id":1,"result":{}}');
      else answer(response);
    });
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => (server.closeAllConnections(), void server.close()));
  return { url: `http://127.0.0.1:${port}`, server };
}

/** What people read when the submission has failed, and whether the SDK calls it refused. */
async function failure(
  { url, server }: StandIn,
  before: "goes" | "stays" = "stays",
): Promise<{ told: string; refused: unknown }> {
  await using api = await SupervisorClient.connect(url, { apiKey: "x" });
  const { shell, written } = hereShell();
  const sign = async <T>(job: T): Promise<T> => {
    if (before === "goes") {
      server.close();
      await once(server, "close");
    }
    return job;
  };
  const config = { wait: false, follow: false, waitTimeoutMs: undefined, json: false, raw: false };
  const request = { runner: "web-1", id: "a", payload: "x" };
  const error: unknown = await submitRequest({ request, sign, config }, { api, shell, words: "" }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: "UNAVAILABLE" });
  return { told: written().stderr, refused: (error as { refused?: unknown }).refused };
}

const refusing =
  (code: number, data: object, status = 200) =>
  (response: ServerResponse): void => {
    const error = { code, message: "no", data };
    response.writeHead(status).end(JSON.stringify({ jsonrpc: "2.0", id: 1, error }));
  };

const doubt =
  "herojob: it is not known whether job a was stored; see with: herojob status a --runner web-1\n";

it.each([
  ["too much at once", refusing(-32029, { reason: "busy" }, 429)],
  ["a full Redis behind it", refusing(-32603, { reason: "full" })],
  ["a method that it does not know", refusing(-32601, { reason: "method_not_found" })],
])("a job that the supervisor refuses was not stored: %s", async (_name, answer) => {
  expect(await failure(await standIn(answer))).toEqual({ told: "", refused: true });
});

it("nor was one for which no connection could be made", async () => {
  const gone = await standIn((response) => void response.end());
  expect(await failure(gone, "goes")).toEqual({ told: "", refused: true });
});

it.each([
  ["Redis is away behind it", refusing(-32603, { reason: "unavailable" })],
  ["a bug", refusing(-32603, { reason: "internal" })],
  ["an error after the job was submitted", refusing(-32603, { reason: "full", id: "a", runner: "web-1" })],
  ["a proxy in between", (response: ServerResponse) => void response.writeHead(502).end("Bad Gateway")],
  ["no answer", (response: ServerResponse) => void response.destroy()],
])("of any other nobody knows: %s", async (_name, answer) => {
  expect(await failure(await standIn(answer))).toEqual({ told: doubt, refused: false });
});
