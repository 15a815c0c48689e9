/** A private Redis, both builds, and places for runners and supervisors that are upgraded and downgraded in it. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey, generateKeyFile, type SecretKey } from "@herorunner/job/trust";
import { type StubHero, writeStubHero } from "../chaos/stub-hero.ts";
import { freePort } from "../support/free-port.ts";
import { connectRedis, type RedisClient } from "../support/redis-client.ts";
import { startRedis } from "../support/redis-server.ts";
import { type Builds, openBuilds } from "./builds.ts";
import { Place } from "./place.ts";

export interface Yard {
  readonly builds: Builds;
  readonly url: string;
  readonly redis: RedisClient;
  readonly hero: StubHero;
  /** Who signs jobs; the trust file of every runner names it. */
  readonly signer: SecretKey;
  /** Who signs receipts. */
  readonly receiptKey: SecretKey;
  readonly adminSecret: string;
  /** A place on a host of its own; state folder and trust file stay when the build changes. */
  runnerPlace(host: string, runner: string, args?: readonly string[]): Promise<Place>;
  supervisorPlace(): Promise<{ readonly place: Place; readonly url: string }>;
  /** Ends everything that still runs. */
  close(): Promise<void>;
}

export async function openYard(): Promise<Yard> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-upgrade-"));
  const server = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "no"] });
  const redis = connectRedis(server.url);
  const places: Place[] = [];
  const [signer, adminSecret] = [generateKey("alice"), "an admin secret for tests only"];
  const at = (name: string): string => join(folder, name);
  const receiptKey = await generateKeyFile(at("receipt.key"), "runners");
  const signers = [{ name: signer.name, public_key: signer.publicKey }];
  await writeFile(at("trust.json"), JSON.stringify({ signers }));
  await writeFile(at("admin-secret"), adminSecret, { mode: 0o600 });
  const hero = await writeStubHero(folder);
  const open = (place: Place): Place => {
    places.push(place);
    return place;
  };
  return {
    ...{ url: server.url, redis, hero, signer, receiptKey, adminSecret },
    builds: await openBuilds(folder),
    runnerPlace: async (host, runner, args = []) => {
      const home = at(host);
      await mkdir(home, { recursive: true });
      const own = ["--host-id", host, "--state-dir", join(home, "state"), "--isolation", "group"];
      const trust = ["--trust", at("trust.json"), "--receipt-key", at("receipt.key")];
      const rest = ["-r", server.url, "--hero", hero.path, "--grace", "1", ...own, ...trust, ...args, runner];
      return open(
        new Place({ program: "herorunner", args: rest, folder: home, readyWhen: "waiting for jobs" }),
      );
    },
    supervisorPlace: async () => {
      const port = await freePort();
      const args = ["-r", server.url, "--port", String(port), "--admin-secret-file", at("admin-secret")];
      const readyWhen = "supervisor listens";
      const place = open(new Place({ program: "herosupervisor", args, folder, readyWhen }));
      return { place, url: `http://127.0.0.1:${port}` };
    },
    close: async () => {
      await Promise.all(places.map((place) => place.end("SIGKILL")));
      redis.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
