/**
 * Which node to talk to. All keys of a runner share one slot, so even in a cluster one plain connection is enough:
 * the one to the node that owns the slot. After a failover or a MOVED the connection is thrown away and located anew.
 */
import type { HostPort, RedisTarget } from "./redis-url.ts";

export type NodeAddress = HostPort | { readonly path: string };

/** The few things locate needs from a client; `connect` and `sendCommand` reject when the node is away. */
export interface ProbeClient {
  connect(): Promise<unknown>;
  sendCommand(args: string[]): Promise<unknown>;
  destroy(): void;
}

/** Asks sentinels or seeds where needed. Throws the last node's error when none answers. */
export async function locate(
  target: RedisTarget,
  routeKey: string,
  probe: (node: HostPort) => ProbeClient,
): Promise<NodeAddress> {
  switch (target.kind) {
    case "single":
      return target.node;
    case "unix":
      return { path: target.path };
    case "sentinel":
      return firstAnswer(target.sentinels, probe, (client) => masterAddress(client, target.master));
    case "cluster":
      return firstAnswer(target.seeds, probe, (client, seed) => slotOwner(client, seed, routeKey));
  }
}

async function firstAnswer<T>(
  nodes: readonly HostPort[],
  probe: (node: HostPort) => ProbeClient,
  ask: (client: ProbeClient, node: HostPort) => Promise<T>,
): Promise<T> {
  let last: unknown;
  for (const node of nodes) {
    const client = probe(node);
    try {
      await client.connect();
      return await ask(client, node);
    } catch (error) {
      last = error;
    } finally {
      try {
        client.destroy();
      } catch {
        // never got connected
      }
    }
  }
  throw last;
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
    const host = String(owner[0] ?? "");
    return { host: host === "" ? seed.host : host, port: Number(owner[1]) };
  }
  throw new Error(`no node of the cluster owns slot ${slot}`);
}
