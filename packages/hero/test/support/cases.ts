/** The conformance cases, and what we decided about some of them. */
import { readFileSync } from "node:fs";

export interface ExpectedAction {
  readonly actor: string;
  readonly name: string;
  readonly params: readonly { readonly key: string; readonly value: string }[];
  readonly args: readonly string[];
  readonly comment?: string;
}

export interface Case {
  readonly id: string;
  readonly input: string;
  readonly expect: { readonly actions: readonly ExpectedAction[]; readonly error?: string };
  readonly conversions?: readonly {
    readonly key: string | number;
    readonly kind: string;
    readonly value?: unknown;
    readonly error?: true;
  }[];
}

export interface Deviation {
  readonly id: string;
  readonly reason: string;
  readonly actions: readonly ExpectedAction[];
}

const folder = new URL("../../../../test/conformance/heroscript/", import.meta.url);

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, folder), "utf8"));
}

export const cases = read("cases.json") as Case[];
export const deviations = read("deviations.json") as Deviation[];
