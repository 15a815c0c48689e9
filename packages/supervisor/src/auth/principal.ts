/** Who calls, and how far that reaches. */

/** Each holds the ones after it. */
export const scopes = ["admin", "jobs:write", "jobs:read"] as const;
export type Scope = (typeof scopes)[number];

export interface Principal {
  /** `admin` for the admin secret, else the name of the API key. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Undefined for the admin secret. */
  readonly keyId?: string;
}

const reach: Readonly<Record<Scope, readonly Scope[]>> = {
  admin: ["admin", "jobs:write", "jobs:read"],
  "jobs:write": ["jobs:write", "jobs:read"],
  "jobs:read": ["jobs:read"],
};

export function mayUse(principal: Principal, scope: Scope): boolean {
  return principal.scopes.some((own) => reach[own].includes(scope));
}
