/** A Redis Cluster of three masters on 127.0.0.1, all slots assigned; and the moving of a slot between two of them. */
import { openConnection, parseRedisUrl, type RedisConnection, type Reply } from "@herorunner/job";
import { freePort } from "./free-port.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { until } from "./until.ts";

export interface ClusterNode {
  readonly server: RedisServer;
  readonly port: number;
  /** A connection to this node alone, through its unix socket. */
  readonly admin: RedisConnection;
  readonly nodeId: string;
}

export interface RedisCluster extends AsyncDisposable {
  /** `redis+cluster://…` with all nodes as seeds. */
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  slotOf(key: string): Promise<number>;
  /** The node that owns the slot, as it says itself. */
  ownerOf(key: string): Promise<ClusterNode>;
  /** Moves the slot of `key`, with all keys in it, to another node; answers that node. */
  moveSlot(key: string): Promise<ClusterNode>;
}

const slots = 16_384;

export async function startCluster(options: { readonly password?: string } = {}): Promise<RedisCluster> {
  const { password } = options;
  const login = password === undefined ? "" : `:${password}@`;
  const nodes: ClusterNode[] = [];
  const dispose = async (): Promise<void> => {
    for (const { admin, server } of nodes) {
      admin.close();
      await server.stop();
    }
  };
  try {
    for (let i = 0; i < 3; i += 1) nodes.push(await startNode(password, login));
    await join(nodes);
  } catch (error) {
    await dispose();
    throw error;
  }
  const slotOf = async (key: string): Promise<number> =>
    Number(await nodes[0]!.admin.send(["CLUSTER", "KEYSLOT", key]));
  const ownerOf = async (key: string): Promise<ClusterNode> => {
    const slot = await slotOf(key);
    for (const range of (await nodes[0]!.admin.send(["CLUSTER", "SLOTS"])) as [number, number, Reply[]][]) {
      const [from, to, [, port]] = range;
      if (slot >= from && slot <= to) return nodes.find((node) => node.port === port)!;
    }
    throw new Error(`nobody owns slot ${slot}`);
  };
  return {
    url: `redis+cluster://${login}${nodes.map((node) => `127.0.0.1:${node.port}`).join()}`,
    nodes,
    slotOf,
    ownerOf,
    moveSlot: async (key) => {
      const from = await ownerOf(key);
      const to = nodes.find((node) => node !== from)!;
      await migrate({ slot: String(await slotOf(key)), from, to, nodes, password });
      return to;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function startNode(password: string | undefined, login: string): Promise<ClusterNode> {
  const [port, busPort] = [await freePort(), await freePort()];
  const args = [
    ...["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-node-timeout", "10000"],
    ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
  ];
  const server = await startRedis({ port, args });
  const target = parseRedisUrl(`unix://${login}${server.socketPath}`);
  const admin = openConnection({ target, routeKey: "" });
  return { server, port, admin, nodeId: String(await admin.send(["CLUSTER", "MYID"])) };
}

async function join(nodes: readonly ClusterNode[]): Promise<void> {
  const share = Math.ceil(slots / nodes.length);
  for (const [at, { admin }] of nodes.entries())
    await admin.send(["CLUSTER", "SET-CONFIG-EPOCH", String(at + 1)]);
  for (const [at, { admin, port }] of nodes.entries()) {
    const to = Math.min((at + 1) * share, slots) - 1;
    await admin.send(["CLUSTER", "ADDSLOTSRANGE", String(at * share), String(to)]);
    const busPort = String(((await admin.send(["CONFIG", "GET", "cluster-port"])) as Buffer[])[1]);
    for (const other of nodes) {
      if (other.port !== port)
        await other.admin.send(["CLUSTER", "MEET", "127.0.0.1", String(port), busPort]);
    }
  }
  for (const { admin } of nodes) {
    await until(async () => {
      const info = String(await admin.send(["CLUSTER", "INFO"]));
      return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${nodes.length}`);
    }, "the cluster stands");
  }
}

interface Migration {
  readonly slot: string;
  readonly from: ClusterNode;
  readonly to: ClusterNode;
  readonly nodes: readonly ClusterNode[];
  readonly password: string | undefined;
}

async function migrate({ slot, from, to, nodes, password }: Migration): Promise<void> {
  const auth = password === undefined ? [] : ["AUTH", password];
  await to.admin.send(["CLUSTER", "SETSLOT", slot, "IMPORTING", from.nodeId]);
  await from.admin.send(["CLUSTER", "SETSLOT", slot, "MIGRATING", to.nodeId]);
  const keys = ((await from.admin.send(["CLUSTER", "GETKEYSINSLOT", slot, "10000"])) as Buffer[]).map(String);
  if (keys.length > 0) {
    await from.admin.send([
      "MIGRATE",
      "127.0.0.1",
      String(to.port),
      "",
      "0",
      "5000",
      ...auth,
      "KEYS",
      ...keys,
    ]);
  }
  for (const { admin } of [to, from, ...nodes.filter((node) => node !== to && node !== from)]) {
    await admin.send(["CLUSTER", "SETSLOT", slot, "NODE", to.nodeId]);
  }
}
