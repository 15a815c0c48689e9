/** Which admin secret a supervisor runs with, and when it refuses to start. Pure but for the secret it makes up. */
import { createHash, randomBytes } from "node:crypto";
import type { Problem } from "@herorunner/daemon";

/** Words that everybody tries first. */
const guessable: ReadonlySet<string> = new Set([
  ...[
    "secret",
    "admin",
    "password",
    "passwort",
    "changeme",
    "change-me",
    "default",
    "test",
    "123456",
    "herosupervisor",
  ],
]);
const comfortableLength = 16;

function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** Why a supervisor that listens on `host` must not start with this secret. */
export function secretProblems(secret: string | undefined, host: string): readonly Problem[] {
  if (isLoopbackHost(host)) return [];
  const where = "--admin-secret-file";
  const next = "Write a long random text to a file that only this user can read, and name it there.";
  if (secret === undefined) {
    return [{ where, what: `is missing, and ${host} can be reached from other machines`, next }];
  }
  if (guessable.has(secret.toLowerCase())) {
    return [
      {
        where,
        what: `holds a word that anybody would try, and ${host} can be reached from other machines`,
        next,
      },
    ];
  }
  return [];
}

export interface ChosenSecret {
  readonly secret: string;
  /** Nobody gave one: it was made up for this run and has to be told. */
  readonly madeUp: boolean;
  readonly warnings: readonly string[];
}

export function chooseSecret(given: string | undefined): ChosenSecret {
  if (given === undefined) {
    return { secret: randomBytes(24).toString("base64url"), madeUp: true, warnings: [] };
  }
  const weak = given.length < comfortableLength || guessable.has(given.toLowerCase());
  const warnings = weak
    ? [
        `the admin secret is weak: use ${comfortableLength} random characters or more before others can reach this`,
      ]
    : [];
  return { secret: given, madeUp: false, warnings };
}

/** The same for every supervisor with this secret, and of no use for finding it out: for sessions in Redis. */
export function fingerprint(secret: string): string {
  return `admin:${createHash("sha256").update(`herosupervisor session ${secret}`).digest("hex")}`;
}
