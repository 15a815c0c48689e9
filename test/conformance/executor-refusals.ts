/** What Executor says of programs that cannot be started, and of some that look as if they could not. */
import { closeSync, copyFileSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Command, Execution } from "@herorunner/runner";
import { describe, expect, it } from "vitest";
import { commandOf } from "../support/bad-child.ts";

/** What the suite around these tests has. */
export interface Around {
  readonly run: (command: Command) => Promise<Execution>;
  /** Makes an executable file, unless `mode` says otherwise, and answers its path. */
  readonly file: (label: string, content: string | Uint8Array, mode?: number) => string;
  /** Where it makes them; there is one once tests run. */
  readonly folder: () => string;
}

export function whatCannotBeStarted({ run, file, folder }: Around): void {
  describe("what cannot be started", () => {
    const stdoutOf = async (command: Command): Promise<string> => (await run(command)).output.stdout;
    const endingOf = async (command: Command): Promise<unknown> => (await run(command)).ending;
    const at = (path: string): Command => commandOf(path);

    it("says that the file is missing", async () => {
      const path = join(folder(), "absent");
      expect(await endingOf(at(path))).toEqual({
        ...{ kind: "not_started", code: "ENOENT", missing: "file", explanation: `${path} does not exist` },
      });
    });

    it("says that the interpreter is missing, and when CR LF is to blame", async () => {
      const missing = file("bad-interpreter", "#!/no/such/interpreter -x\necho hi\n");
      expect(await endingOf(at(missing))).toMatchObject({
        ...{
          code: "ENOENT",
          missing: "interpreter",
          explanation: expect.stringContaining("/no/such/interpreter"),
        },
      });
      const crlf = file("crlf", "#!/bin/sh\r\necho hi\r\n");
      expect(await endingOf(at(crlf))).toMatchObject({ explanation: expect.stringContaining("CR LF") });
    });

    it("says that the working folder is missing", async () => {
      expect(await endingOf({ ...at("/bin/true"), cwd: join(folder(), "gone") })).toMatchObject({
        ...{ kind: "not_started", code: "ENOENT", missing: "folder" },
      });
    });

    it("says that it is a folder, or not executable", async () => {
      expect(await endingOf(at(folder()))).toMatchObject({
        code: "EACCES",
        explanation: expect.stringContaining("folder"),
      });
      const plain = file("plain", "echo hi\n", 0o644);
      expect(await endingOf(at(plain))).toMatchObject({
        code: "EACCES",
        explanation: expect.stringContaining("chmod"),
      });
    });

    it("says that a program is empty, damaged or for another machine", async () => {
      const elf = Buffer.alloc(64);
      elf.write("\x7fELF", "latin1");
      for (const [label, content] of [
        ["empty", ""],
        ["cut-off", elf.subarray(0, 20)],
        ["zeros", elf],
        ["binary", Buffer.from([1, 2, 0, 3])],
      ] as const) {
        expect(await endingOf(at(file(label, content)))).toMatchObject({
          kind: "not_started",
          code: "ENOEXEC",
        });
      }
    });

    it("says that an argument is larger than the kernel takes", async () => {
      expect(await endingOf(commandOf("/bin/true", ["x".repeat(140_000)]))).toMatchObject({
        ...{ kind: "not_started", code: "E2BIG", explanation: expect.stringContaining("128 KiB") },
      });
    });

    it("says that an argument holds a NUL character", async () => {
      expect(await endingOf(commandOf("/bin/true", ["a\0b"]))).toMatchObject({
        ...{ kind: "not_started", explanation: expect.stringContaining("NUL") },
      });
    });

    it("says that the program is open for writing", async () => {
      const path = join(folder(), "busy");
      copyFileSync("/bin/true", path);
      const fd = openSync(path, "r+");
      const ending = await endingOf(at(path));
      closeSync(fd);
      expect(ending).toMatchObject({
        kind: "not_started",
        code: "ETXTBSY",
        explanation: expect.stringContaining("open for writing"),
      });
      expect(await endingOf(at(path))).toEqual({ kind: "exited", code: 0 });
    });

    it("runs a script without #! by the shell", async () => {
      expect(await stdoutOf(at(file("no-hash-bang", "echo hi\n")))).toBe("hi\n");
    });

    it("notices that a program it knew was replaced", async () => {
      const path = file("replaced", "#!/bin/sh\necho one\n");
      expect(await stdoutOf(at(path))).toBe("one\n");
      file("replaced", "#!/no/such/interpreter\n");
      expect(await endingOf(at(path))).toMatchObject({ missing: "interpreter" });
      copyFileSync("/bin/true", path);
      expect(await endingOf(at(path))).toEqual({ kind: "exited", code: 0 });
    });
  });
}
