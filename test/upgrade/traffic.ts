/**
 * Clients that submit jobs without a pause, each one job after the other, follow them to their ends and remember what they
 * were told. They use the SDK of one build, over Redis or over supervisors, and try again where somebody is away.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { JobApi, JobRequest, JobView } from "@herorunner/job";
import type { SecretKey } from "@herorunner/job/trust";
import type { Build } from "./builds.ts";

/** A way to the jobs; several addresses when one may be away. */
export interface Access {
  readonly name: string;
  readonly build: Build;
  readonly apis: readonly JobApi[];
}

export interface Order {
  readonly id: string;
  readonly access: string;
  readonly signed: boolean;
  readonly maxAttempts: number;
}

/** What a client was told at the end. */
export interface Ending {
  readonly order: Order;
  readonly view: JobView;
  readonly log: string;
}

export interface TrafficOptions {
  readonly runner: string;
  readonly accesses: readonly Access[];
  readonly key: SecretKey;
}

/** Jobs that one client has on the way. */
const lanes = 2;
const jobSeconds = "0.05";

export class Traffic {
  readonly #options: TrafficOptions;
  readonly orders: Order[] = [];
  readonly endings: Ending[] = [];
  readonly #running: Promise<void>[] = [];
  #stopped = false;
  #failed: unknown;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  start(): void {
    for (const access of this.#options.accesses) {
      for (let lane = 0; lane < lanes; lane += 1) this.#running.push(this.#submitOnAndOn(access));
    }
  }

  /** Resolves when all that was submitted has ended. Throws what a client did not expect. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
    this.check();
  }

  /** Throws what a client did not expect so far. */
  check(): void {
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** One more job, from a client of its own; resolves when it is queued. Its ending comes with the others. */
  async submitOne(
    access: Access,
    extra: { readonly seconds: string; readonly maxAttempts: number },
  ): Promise<string> {
    const order = this.#order(access, { signed: false, maxAttempts: extra.maxAttempts });
    await this.#submit(access, order, extra.seconds);
    this.#running.push(this.#guarded(() => this.#follow(access, order)));
    return order.id;
  }

  #order(access: Access, more: Pick<Order, "signed" | "maxAttempts">): Order {
    const order = { id: `${access.name}-${this.orders.length + 1}`, access: access.name, ...more };
    this.orders.push(order);
    return order;
  }

  async #submitOnAndOn(access: Access): Promise<void> {
    await this.#guarded(async () => {
      for (let round = 0; !this.#stopped; round += 1) {
        const order = this.#order(access, { signed: round % 2 === 1, maxAttempts: 1 });
        await this.#submit(access, order, jobSeconds);
        await this.#follow(access, order);
      }
    });
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failed ??= error;
    }
  }

  async #submit(access: Access, order: Order, seconds: string): Promise<void> {
    const { runner, key } = this.#options;
    const { id, maxAttempts } = order;
    const request: JobRequest = { id, runner, payload: `${seconds} 0\n`, maxAttempts };
    const { signJob } = access.build.trust;
    const sign = {
      sign: (job: Parameters<typeof signJob>[0]) => signJob(job, key, { nowSeconds: Date.now() / 1000 }),
    };
    await patiently(access, (api) => api.submit(request, order.signed ? sign : {}));
  }

  async #follow(access: Access, order: Order): Promise<void> {
    const { runner } = this.#options;
    let [afterSeq, log] = [0, ""];
    await patiently(access, async (api) => {
      for await (const line of api.logs(order.id, { runner, afterSeq })) {
        afterSeq = line.seq;
        log += line.data;
      }
    });
    const view = await patiently(access, (api) => api.wait(order.id, { runner }));
    this.endings.push({ order, view, log });
  }
}

/** Asks the next address when one is away, as a careful client does. */
async function patiently<T>(access: Access, call: (api: JobApi) => Promise<T>): Promise<T> {
  for (let round = 0; ; round += 1) {
    const api = access.apis[round % access.apis.length];
    if (api === undefined) throw new Error(`${access.name} has no address`);
    try {
      return await call(api);
    } catch (error) {
      const away = error instanceof access.build.job.ClientError && error.code === "UNAVAILABLE";
      if (!away || round > 400) throw error;
      await sleep(25);
    }
  }
}
