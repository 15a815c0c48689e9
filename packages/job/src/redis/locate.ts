/**
 * Which node to talk to. All keys of a runner share one slot, so even in a cluster one plain connection is enough:
 * the one to the node that owns the slot. After a failover or a MOVED the connection is thrown away and located anew.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { HostPort, RedisCredentials, RedisTarget } from "./redis-url.ts";

export type NodeAddress = HostPort | { readonly path: string };

/** The few things locate needs from a client. Both calls reject when the node is away or does not answer in time. */
export interface ProbeClient {
  connect(): Promise<unknown>;
  sendCommand(args: string[]): Promise<unknown>;
  destroy(): void;
}

export type Probe = (node: HostPort, credentials: RedisCredentials) => ProbeClient;

/** Asks sentinels or seeds where needed; the first answer counts. Throws a node's error when none answers. */
export async function locate(target: RedisTarget, routeKey: string, probe: Probe): Promise<NodeAddress> {
  switch (target.kind) {
    case "single":
      return target.node;
    case "unix":
      return { path: target.path };
    case "sentinel":
      return firstAnswer(target.sentinels, (node) => askSentinel(node, target, probe));
    case "cluster":
      return firstAnswer(target.seeds, (seed) =>
        asking(probe(seed, target.credentials), (client) => slotOwner(client, seed, routeKey)),
      );
  }
}

/** How long a node may think before the next one is asked too. */
const headStartMs = 250;

async function firstAnswer<T>(nodes: readonly HostPort[], ask: (node: HostPort) => Promise<T>): Promise<T> {
  const asked: Promise<T>[] = [];
  for (const node of nodes) {
    asked.push(ask(node));
    const answered = Promise.any(asked).then(
      () => true,
      () => false,
    );
    if (await Promise.race([answered, sleep(headStartMs, false, { ref: false })])) break;
  }
  try {
    return await Promise.any(asked);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors.at(-1) : error;
  }
}

async function asking<T>(client: ProbeClient, ask: (client: ProbeClient) => Promise<T>): Promise<T> {
  try {
    await client.connect();
    return await ask(client);
  } finally {
    client.destroy();
  }
}

/** Sentinels often have no password where their Redis has one, and some have another one. */
async function askSentinel(
  node: HostPort,
  target: Extract<RedisTarget, { kind: "sentinel" }>,
  probe: Probe,
): Promise<HostPort> {
  const own = target.sentinelCredentials;
  const ask = (credentials: RedisCredentials): Promise<HostPort> =>
    asking(probe(node, credentials), (client) => masterAddress(client, target.master));
  try {
    return await ask(own);
  } catch (error) {
    const refused = error instanceof Error && error.message.startsWith("NOAUTH");
    if (!refused || own.password !== undefined || target.credentials.password === undefined) throw error;
    return ask(target.credentials);
  }
}

async function masterAddress(client: ProbeClient, master: string): Promise<HostPort> {
  const answer = await client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master]);
  if (!Array.isArray(answer)) throw new Error(`Sentinel knows no master called ${JSON.stringify(master)}`);
  return { host: String(answer[0]), port: Number(answer[1]) };
}

async function slotOwner(client: ProbeClient, seed: HostPort, routeKey: string): Promise<HostPort> {
  const slot = Number(await client.sendCommand(["CLUSTER", "KEYSLOT", routeKey]));
  const ranges: unknown = await client.sendCommand(["CLUSTER", "SLOTS"]);
  for (const range of Array.isArray(ranges) ? ranges : []) {
    const [from, to, owner] = Array.isArray(range) ? range : [];
    if (slot < Number(from) || slot > Number(to) || !Array.isArray(owner)) continue;
    // Nodes that do not know their own name answer an empty one, or "?": it is the one that was asked.
    const host = String(owner[0] ?? "");
    return { host: host === "" || host === "?" ? seed.host : host, port: Number(owner[1]) };
  }
  throw new Error(`no node of the cluster owns slot ${slot}`);
}
