/**
 * Which actors there are. Built-in ones are loaded when a script first names them; those of `--actors DIR` at the
 * start, and they may not take the name of a built-in one.
 */
import type { ActionDefinition, ActorDefinition } from "./actor.ts";

type Loader = () => Promise<{ readonly default: ActorDefinition }>;

const builtin: ReadonlyMap<string, Loader> = new Map<string, Loader>([
  ["core", () => import("./actors/core.ts")],
  ["docker", () => import("./actors/docker.ts")],
  ["git", () => import("./actors/git.ts")],
  ["osal", () => import("./actors/osal.ts")],
  ["play", () => import("./actors/play.ts")],
  ["session", () => import("./actors/session.ts")],
]);

export function isBuiltin(name: string): boolean {
  return builtin.has(name);
}

export class Registry {
  readonly #loaded = new Map<string, ActorDefinition>();

  /** Names of all actors, loaded or not. */
  get names(): string[] {
    return [...new Set([...builtin.keys(), ...this.#loaded.keys()])].sort();
  }

  add(actor: ActorDefinition): void {
    this.#loaded.set(actor.name, actor);
  }

  has(name: string): boolean {
    return this.#loaded.has(name) || builtin.has(name);
  }

  /** Loads those of the names that are known; others are left for the check to report. */
  async load(names: Iterable<string>): Promise<void> {
    const wanted = [...new Set(names)].filter((name) => !this.#loaded.has(name));
    await Promise.all(
      wanted.map(async (name) => {
        const loader = builtin.get(name);
        if (loader !== undefined) this.#loaded.set(name, (await loader()).default);
      }),
    );
  }

  /** A loaded actor. */
  actor(name: string): ActorDefinition | undefined {
    return this.#loaded.get(name);
  }

  loaded(): ActorDefinition[] {
    return [...this.#loaded.values()];
  }

  /** An action of a loaded actor. */
  action(actor: string, name: string): ActionDefinition | undefined {
    const actions = this.#loaded.get(actor)?.actions;
    return actions !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined;
  }
}
