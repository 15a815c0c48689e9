/** An authority and a server certificate for 127.0.0.1, made by openssl in a folder that the caller removes. */
import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Certificates {
  readonly folder: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), "herorunner-tls-"));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): Promise<unknown> => run("openssl", args, { cwd: folder });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout"];
  await writeFile(file("server.ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  await openssl(
    "req",
    "-x509",
    ...newKey,
    "ca.key",
    "-out",
    "ca.crt",
    "-subj",
    "/CN=Test authority",
    "-days",
    "2",
  );
  await openssl("req", ...newKey, "server.key", "-out", "server.csr", "-subj", "/CN=redis");
  const sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
  await openssl(...sign, "-out", "server.crt", "-days", "2", "-extfile", "server.ext");
  return { folder, caFile: file("ca.crt"), certFile: file("server.crt"), keyFile: file("server.key") };
}
