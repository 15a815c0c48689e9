/**
 * Secret keys on disk: JSON with name, public and secret key, readable by its owner alone. A file is never overwritten,
 * because a lost key cannot be made again; a file that others can read is not used, because it is not a secret.
 */
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { idPattern } from "../keys.ts";
import { isJsonObject, parseStrictJson } from "../strict-json.ts";
import { publicKeyOf } from "./signature.ts";

export interface SecretKey {
  readonly name: string;
  /** Compressed, 66 lower-case hex digits. */
  readonly publicKey: string;
  /** 64 lower-case hex digits. Never log it. */
  readonly secretKey: string;
}

/** A sentence with the path and the next step; never holds key material. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

/** A new key pair, in memory only. `name` says whose it is: `[A-Za-z0-9._-]`, at most 128. */
export function generateKey(name: string): SecretKey {
  if (!idPattern.test(name))
    throw new KeyFileError(`the name ${JSON.stringify(name)} must match ${idPattern.source}`);
  for (;;) {
    const secretKey = randomBytes(32).toString("hex");
    const publicKey = publicKeyOf(secretKey);
    if (publicKey !== undefined) return { name, publicKey, secretKey };
  }
}

/** Makes a key pair and stores it at `path` with mode 0600. Throws KeyFileError when something is there already. */
export async function generateKeyFile(path: string, name: string): Promise<SecretKey> {
  const key = generateKey(name);
  const text = JSON.stringify({ name, public_key: key.publicKey, secret_key: key.secretKey }, undefined, 2);
  const file = await open(path, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === "EEXIST"
        ? "is there already and is never overwritten; choose another path"
        : reason(error);
    throw new KeyFileError(`${path} ${why}`, { cause: error });
  });
  try {
    await file.writeFile(`${text}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return key;
}

/**
 * Loads a key file, or a file with nothing but 64 hex digits (then the file's name names the key). Throws KeyFileError
 * when it cannot be read, can be read by others, or holds something else.
 */
export async function loadKeyFile(path: string): Promise<SecretKey> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    throw new KeyFileError(`${path} cannot be used: ${reason(error)}`, { cause: error });
  });
  let text: string;
  try {
    // The mode of the very file that is read, not of whatever stands under the path a moment later.
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new KeyFileError(
        `${path} can be used by others (mode ${(mode & 0o777).toString(8)}); run: chmod 600 ${path}`,
      );
    }
    text = await file.readFile("utf8").catch((error: NodeJS.ErrnoException) => {
      throw new KeyFileError(`${path} cannot be used: ${reason(error)}`, { cause: error });
    });
  } finally {
    await file.close();
  }
  const key = parseKeyFile(text, basename(path).replace(/\.[^.]*$/, ""));
  if (key === undefined)
    throw new KeyFileError(`${path} is not a key file; make one with \`herojob keygen\``);
  return key;
}

/** The key in the text of a key file; undefined when it is not one. `fallbackName` names a bare key. */
export function parseKeyFile(text: string, fallbackName: string): SecretKey | undefined {
  const bare = text.trim().toLowerCase();
  const members = membersOf(text);
  const name = members?.get("name") ?? fallbackName;
  const secretKey =
    members === undefined ? bare : (members.get("secret_key") ?? members.get("private_key") ?? "");
  const publicKey = publicKeyOf(secretKey);
  const stated = members?.get("public_key");
  if (publicKey === undefined || !idPattern.test(name)) return undefined;
  if (stated !== undefined && stated.toLowerCase() !== publicKey) return undefined;
  return { name, publicKey, secretKey: secretKey.toLowerCase() };
}

/** The text members of a JSON object. */
function membersOf(text: string): Map<string, string> | undefined {
  const parsed = parseStrictJson(text);
  if (!parsed.ok || !isJsonObject(parsed.value)) return undefined;
  const texts = new Map<string, string>();
  for (const [name, value] of parsed.value) if (typeof value === "string") texts.set(name, value);
  return texts;
}

function reason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ENOENT":
      return "there is no such file or folder";
    case "EACCES":
    case "EPERM":
      return "this user may not open it";
    case "EISDIR":
      return "it is a folder";
    case undefined:
    default:
      return error.message;
  }
}
