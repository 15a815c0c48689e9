import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { generateKeyFile, loadKeyFile, readPublicKey } from "../../src/trust/index.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "herorunner-key-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe("key files", () => {
  it("are made for their owner alone and come back as they were", async () => {
    const path = join(await folder(), "alice.key");
    const made = await generateKeyFile(path, "alice");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(made.publicKey).toMatch(/^0[23][0-9a-f]{64}$/);
    expect(readPublicKey(made.publicKey)).toBeDefined();
    expect(await loadKeyFile(path)).toEqual(made);
  });

  it("are never overwritten", async () => {
    const path = join(await folder(), "alice.key");
    await generateKeyFile(path, "alice");
    const before = await readFile(path, "utf8");
    await expect(generateKeyFile(path, "alice")).rejects.toThrow("is never overwritten");
    expect(await readFile(path, "utf8")).toBe(before);
  });

  it("are not used when others can read them, and the sentence says what to type", async () => {
    const path = join(await folder(), "alice.key");
    await generateKeyFile(path, "alice");
    await chmod(path, 0o640);
    await expect(loadKeyFile(path)).rejects.toThrow(`run: chmod 600 ${path}`);
  });

  it("may hold nothing but 64 hex digits; then the file's name names the key", async () => {
    const path = join(await folder(), "carol.key");
    await writeFile(path, `${"1".repeat(64)}\n`, { mode: 0o600 });
    expect(await loadKeyFile(path)).toMatchObject({ name: "carol", secretKey: "1".repeat(64) });
  });

  it("that hold something else, or a public key that is not theirs, are refused without showing any of it", async () => {
    const path = join(await folder(), "bad.key");
    const contents = [
      "",
      "{}",
      "0".repeat(64),
      '{"name":"a","secret_key":"11"}',
      JSON.stringify({ name: "a b", secret_key: "1".repeat(64) }),
      JSON.stringify({ name: "a", secret_key: "1".repeat(64), public_key: `02${"1".repeat(64)}` }),
    ];
    for (const text of contents) {
      await writeFile(path, text, { mode: 0o600 });
      const problem: unknown = await loadKeyFile(path).catch((error: unknown) => error);
      expect(String(problem)).toContain("is not a key file");
      expect(String(problem)).not.toContain("1111");
    }
    await expect(loadKeyFile(join(path, "nowhere"))).rejects.toThrow("cannot be used");
    await expect(loadKeyFile(await folder())).rejects.toThrow("can");
  });

  it("want a name that can stand in a trust file", async () => {
    await expect(generateKeyFile(join(await folder(), "x"), "a b")).rejects.toThrow("must match");
  });
});
