/**
 * The libsecp256k1 of this system, through a small addon of ours (native/signature-check.c): a third
 * of the processor time that WebAssembly takes. It runs in the memory of this process (ADR 15).
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Libsecp256k1 } from "./libsecp256k1.ts";

/** `missing`: what has to be installed. Without the addon it is not known whether there is a library. */
export class NoSystemLibrary extends Error {
  readonly missing: "addon" | "library";

  constructor(missing: "addon" | "library", why: string) {
    super(why);
    this.missing = missing;
  }
}

/** What the addon exports where it found a library, and else nothing of it. */
interface Addon extends Omit<Libsecp256k1, "name"> {
  /** `libsecp256k1.so.1`, for instance. */
  readonly soname: string;
}

/** In the package's folder, from `src/trust` and from `dist/trust` alike. */
const built = new URL(
  `../../native/build/signature-check-${process.platform}-${process.arch}.node`,
  import.meta.url,
);

/** Throws NoSystemLibrary, or an error that says that Node loads no addons, where nothing is missing. */
export function openSystemLibsecp256k1(file = fileURLToPath(built)): Libsecp256k1 {
  const { soname, parse, verify } = load(file);
  if (soname === undefined || parse === undefined || verify === undefined)
    throw new NoSystemLibrary("library", "libsecp256k1 is not installed");
  return { name: `${soname} of this system`, parse, verify };
}

function load(file: string): Partial<Addon> {
  try {
    return createRequire(import.meta.url)(file) as Partial<Addon>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_DLOPEN_DISABLED")
      throw new Error(
        "the addon for libsecp256k1 cannot be used: Node is told to load none (--no-addons, or permissions without --allow-addons)",
        { cause: error },
      );
    const why = code === "MODULE_NOT_FOUND" ? "it was not built for this platform" : message;
    throw new NoSystemLibrary("addon", `the addon for libsecp256k1 cannot be used: ${why}`);
  }
}
