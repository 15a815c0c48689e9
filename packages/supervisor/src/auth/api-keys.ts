/**
 * API keys in Redis: `hk_<id>_<secret>`, of which only a SHA-256 is kept. The secret has 256 random bits, so a plain hash
 * is enough. Every check asks Redis, so that a revoked key is refused by every supervisor with the next request.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import {
  apiKeysKeys,
  isJsonObject,
  parseStrictJson,
  type Commands,
  type ConnectionPool,
} from "@herorunner/job";
import { RpcError } from "../rpc/errors.ts";
import { type Principal, type Scope, scopes } from "./principal.ts";

const keyForm = /^hk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;
const maxKeys = 10_000;
const noteUseEveryMs = 60_000;

interface StoredKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly hash: string;
  readonly createdAtMs: number;
}

export interface ListedKey {
  id: string;
  name: string;
  scopes: Scope[];
  created_at: number;
  last_used_at?: number;
}

export class ApiKeys {
  readonly #redis: ConnectionPool;
  readonly #places: ReturnType<typeof apiKeysKeys>;
  /** When each key's use was written down last; keys that are gone are few. */
  readonly #noted = new Map<string, number>();

  constructor(redis: ConnectionPool, prefix: string) {
    this.#redis = redis;
    this.#places = apiKeysKeys(prefix);
  }

  async create(
    name: string,
    granted: readonly Scope[],
  ): Promise<{ id: string; name: string; scopes: Scope[]; key: string }> {
    if (Number(await this.#keys.send(["HLEN", this.#places.keys])) >= maxKeys) {
      throw new RpcError("conflict", `there are ${maxKeys} keys; revoke some first`);
    }
    const id = randomBytes(6).toString("hex");
    const key = `hk_${id}_${randomBytes(32).toString("base64url")}`;
    const own = scopes.filter((scope) => granted.includes(scope));
    const stored: StoredKey = {
      name,
      scopes: own,
      hash: digest(key).toString("hex"),
      createdAtMs: Date.now(),
    };
    await this.#keys.send(["HSET", this.#places.keys, id, JSON.stringify(stored)]);
    return { id, name, scopes: own, key };
  }

  async list(): Promise<ListedKey[]> {
    const [stored, uses] = await Promise.all([
      this.#keys.send(["HGETALL", this.#places.keys]),
      this.#uses.send(["HGETALL", this.#places.uses]),
    ]);
    const usedAt = new Map(pairs(uses));
    const listed = pairs(stored).flatMap(([id, text]): ListedKey[] => {
      const key = readStored(text);
      if (key === undefined) return [];
      const used = Number(usedAt.get(id) ?? Number.NaN);
      const { name, createdAtMs } = key;
      return [
        {
          id,
          name,
          scopes: [...key.scopes],
          created_at: createdAtMs,
          ...(Number.isFinite(used) ? { last_used_at: used } : {}),
        },
      ];
    });
    return listed.sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
  }

  /** False when there is no such key. */
  async revoke(id: string): Promise<boolean> {
    const gone = (await this.#keys.send(["HDEL", this.#places.keys, id])) === 1;
    await this.#uses.send(["HDEL", this.#places.uses, id]);
    this.#noted.delete(id);
    return gone;
  }

  /** Who holds this key; undefined for one that is unknown, revoked or no key at all. Takes as long for each. */
  async check(text: string): Promise<Principal | undefined> {
    const id = keyForm.exec(text)?.[1];
    const given = digest(text);
    const stored = await this.#find(id ?? "none");
    const expected = stored === undefined ? digest("") : Buffer.from(stored.hash, "hex");
    const same = expected.length === given.length && timingSafeEqual(expected, given);
    if (!same || stored === undefined || id === undefined) return undefined;
    this.#noteUse(id);
    return { name: stored.name, scopes: stored.scopes, keyId: id };
  }

  /** The holder of a key that was checked before, for sessions and long streams; undefined when it is revoked. */
  async holder(id: string): Promise<Principal | undefined> {
    const stored = await this.#find(id);
    return stored === undefined ? undefined : { name: stored.name, scopes: stored.scopes, keyId: id };
  }

  async #find(id: string): Promise<StoredKey | undefined> {
    const reply = await this.#keys.send(["HGET", this.#places.keys, id]);
    return Buffer.isBuffer(reply) ? readStored(reply.toString()) : undefined;
  }

  #noteUse(id: string): void {
    const nowMs = Date.now();
    if (nowMs - (this.#noted.get(id) ?? 0) < noteUseEveryMs) return;
    this.#noted.set(id, nowMs);
    // Nice to know, and no reason to keep anybody waiting.
    this.#uses.send(["HSET", this.#places.uses, id, String(nowMs)]).catch(() => this.#noted.delete(id));
  }

  get #keys(): Commands {
    return this.#redis.at(this.#places.keys);
  }

  get #uses(): Commands {
    return this.#redis.at(this.#places.uses);
  }
}

export function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function readStored(text: string): StoredKey | undefined {
  const parsed = parseStrictJson(text);
  if (!parsed.ok || !isJsonObject(parsed.value)) return undefined;
  const [name, granted] = [parsed.value.get("name"), parsed.value.get("scopes")];
  const [hash, createdAtMs] = [parsed.value.get("hash"), parsed.value.get("createdAtMs")];
  if (typeof name !== "string" || typeof hash !== "string" || typeof createdAtMs !== "number")
    return undefined;
  if (!Array.isArray(granted) || !/^[0-9a-f]{64}$/.test(hash)) return undefined;
  return { name, scopes: scopes.filter((scope) => granted.includes(scope)), hash, createdAtMs };
}

function pairs(reply: unknown): readonly (readonly [string, string])[] {
  const flat = Array.isArray(reply) ? reply.map(String) : [];
  return flat.flatMap((text, at) => (at % 2 === 0 ? [[text, flat[at + 1] ?? ""] as const] : []));
}
