/** The parts of docs/rpc.md that no table knows: transport, keys, streams, limits. Everything stated here has a test. */

export const beforeErrors = `# The supervisor's API

This page is generated from the supervisor's method table; the same table validates every call and makes the OpenRPC document at
\`GET /openrpc.json\`.

\`\`\`sh
herosupervisor --redis-url redis://localhost:6379 --port 8082 --admin-secret-file /etc/herorunner/admin-secret
curl -s http://127.0.0.1:8082/rpc -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
  -d '{"jsonrpc": "2.0", "id": 1, "method": "job.run", "params": {"runner": "my-hero-runner", "payload": "print(\\"hello\\")", "wait": 30}}'
\`\`\`

\`KEY\` is the admin secret, or a key of [scope](#keys-and-scopes) \`jobs:write\`.

## Calls

JSON-RPC 2.0 at \`POST /rpc\` (and \`POST /\`), with \`Content-Type: application/json\`. Parameters go by name, or by position in the
order of the tables below. Batches of up to 100 calls are made in order, one after the other; a notification (a request without
\`id\`) is carried out and not answered, and when there is nothing to answer the status is 204. A body may have 16 MiB, must be
UTF-8 and must not be compressed. JSON is read strictly: a member name twice in one object, nesting deeper than 32, more than 200 000
values and whole numbers beyond ±(2^53 − 1) are refused. Every error is answered with HTTP 200 unless the table of errors says otherwise;
413 and 415 go with bodies that are too long or of another kind. A W3C \`traceparent\` header becomes the \`trace\` of jobs that
the request hands in and that name none ([tracing.md](tracing.md)).

## Keys and scopes

\`Authorization: Bearer KEY\`, where KEY is the admin secret or an API key made by \`key.create\`. Scopes: \`jobs:read\` looks,
\`jobs:write\` also creates, starts, runs, retries and cancels jobs, \`admin\` may do everything. A revoked key is refused with the
next call, by every supervisor on the same Redis; its open streams end within a minute. After ten wrong keys in a minute an
address gets 429 with \`Retry-After\`, whatever it sends. \`GET /healthz\`, \`/readyz\`, \`/metrics\`, \`/openrpc.json\` and the files of the page
need no key.

The page exchanges a key for a session: \`POST /session\` with \`Authorization\` sets a cookie (\`HttpOnly\`, \`SameSite=Strict\`, 12 hours),
\`GET /session\` says who that is, \`DELETE /session\` ends it. With a cookie, anything but GET must come from the page of this server.

A request must name the server by the address it came to, \`localhost\` on a loopback address, the machine's name, or a name of
\`--allow-host\`. Pages of other origins are refused unless \`--allow-origin\` names them.

## Errors

\`error.data\` is \`{"reason": WORD, "hint"?: SENTENCE}\`. \`reason\` is the name of the error or a narrower word; match on it and on the
code, never on \`message\`.`;

export const beforeMethods = `Narrower words: \`runner_not_found\`, \`job_not_found\` (−32004); \`jobs_wait\`, \`runs\`, \`ambiguous\` (−32009); \`not_created\`, \`not_final\`,
\`malformed\`, \`signed\` (−32011, the last with \`command\`); \`invalid_job\` (−32602); \`batch_too_long\`, \`answer_too_large\`, \`body_too_large\`,
\`wrong_kind\` (−32600); \`no_key\`, \`bad_key\` (−32001); \`cross_site\` (−32003); \`too_many_failures\`, \`too_many_streams\`, \`busy\` (−32029); \`unavailable\`,
\`full\`, \`denied\`, \`rejected\` (−32603).

## Methods

Members marked \`?\` may be missing. Times are milliseconds since 1970 by the clock of Redis, except \`created_at\` and \`expires_at\`, which
are unix seconds. A job's id is unique per runner; methods that take a job's \`id\` take its \`runner\` too, which is needed only
when several runners have a job of that id. Job ids of jobs that were pushed to Redis by other means are found as well.

\`owner\` says which process: host, boot id, PID namespace, pid, start time and a random part, joined by \`:\`. Its first part, and \`host\` of an
instance, is the runner's \`--host-id\`, or else the machine id, which \`cat /etc/machine-id\` prints on that machine (the host name where that file
is missing). To read the name of a machine there, start its runners with \`--host-id "$(hostname)"\`.`;

export const afterMethods = `## Streams

Server-sent events, for readers with \`jobs:read\` (a key in \`Authorization\`, or the page's cookie). At most 100 are open at once.

\`GET /jobs/<id>/log?after=SEQ&runner=R\` gives one job's output from any place, as it is written:

| Event | Data |
| --- | --- |
| \`out\`, \`err\` | \`{"offset": bytes, "data": text}\`; the event's id is the entry's \`seq\` |
| \`gap\` | \`{"stream"?, "bytes"?, "entries"?}\`: what is missing before the next event, as far as it is known |
| \`end\` | \`{"status", "reason"?}\`: the job is final (or \`deleted\`) and nothing follows |
| \`dropped\` | \`{"reason"}\`: this reader was too slow (\`slow_reader\`), its key was revoked (\`key_revoked\`), the supervisor stops (\`shutdown\`), or Redis does not answer (\`unavailable\`, or another word of −32603) |

Whoever comes back sends \`Last-Event-ID\` (browsers do) or \`?after=\` and gets what came since: nothing twice, and nothing left out
without a \`gap\`.

\`GET /events?runner=R\` tells state changes as they happen, from the moment its answer begins, of runners registered by then, while Redis
answers: \`job\` with \`{"runner", "id", "status", "reason"?, "time"}\` and \`runner\` with the runner view (or \`{"id", "removed": true}\`). A reader that is slow misses some and is told by \`gap\` with
\`{"events": count}\`. A convenience: after a break, read the state itself.

\`GET /jobs/<id>/output?stream=out|err\` is the stored output of a job as a text file.

## Health

\`GET /healthz\` answers 200 while the process answers at all, \`GET /readyz\` 200 while Redis answers and takes new jobs, and 503
with \`reasons\` otherwise or while stopping, \`GET /metrics\` is for Prometheus ([alarms.md](alarms.md)). Everything else under \`GET /\` is the page.

## From TypeScript

\`\`\`ts
import { RpcClient } from "@herorunner/supervisor/client";

const rpc = new RpcClient({ url: "http://127.0.0.1:8082", key });
const { id } = await rpc.call("job.run", { runner: "my-hero-runner", payload: 'print("hello")' });
for await (const event of rpc.followLog(id)) {
  if (event.event === "out") process.stdout.write(event.data.data);
}
const { status, result } = await rpc.call("job.result", { id });
\`\`\`
`;
