/**
 * QuickJS in a memory that cannot grow past its limit. Its own limit does not hold in WebAssembly, where it cannot tell how much an
 * allocation takes and counts each as a few bytes.
 */
import { setFlagsFromString } from "node:v8";
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from "quickjs-emscripten-core";
import variant from "@jitl/quickjs-wasmfile-release-sync";

const pageBytes = 64 * 1024;
/** What the interpreter is built to begin with: its own data and stack. */
const ownPages = (16 * 1024 * 1024) / pageBytes;
/** The interpreter was built for no more. */
const mostPages = 32_768;
export const memoryLimitBytes = 64 * 1024 * 1024;
/**
 * How much of the interpreter runs, in bytes of code and function by function, before V8 compiles it a second time; V8 takes
 * an int. With its own figure that begins while a short script is still being set up, and the end of the process waits for it:
 * half of all it costs. Of scripts that run for long some gain by it a little, others nothing.
 */
const tieringBudget = 2_000_000_000;
/** Bytes that compiling takes, for each character of a script; short ones find them in the room of the interpreter. */
const compileFactor = 24;
const shortScriptLength = 256 * 1024;

let quickJs: Promise<QuickJSWASMModule> | undefined;
let memory: { readonly used: Memory; readonly maximumBytes: number } | undefined;

/** There was no memory left for a text that comes into the interpreter, or goes out of it. To a script it is what it knows from there. */
export class OutOfMemory extends Error {
  override readonly name = "InternalError";

  constructor() {
    super("out of memory");
  }
}

/** The interpreter itself, compiled once. */
export function loadQuickJs(): Promise<QuickJSWASMModule> {
  return (quickJs ??= load(0));
}

function load(moreBytes: number): Promise<QuickJSWASMModule> {
  setFlagsFromString(`--wasm-tiering-budget=${tieringBudget}`);
  return newQuickJSWASMModuleFromVariant(limitedVariant(moreBytes));
}

/** The interpreter for one run more, of scripts of so many characters. */
export function quickJsForRun(scriptLength: number): Promise<QuickJSWASMModule> {
  // Runs never give back what they hold.
  if (hasGrown()) quickJs = undefined;
  if (scriptLength <= shortScriptLength) return loadQuickJs();
  quickJs = undefined; // The limit of this one is not that of the next run.
  return load(scriptLength * compileFactor);
}

function hasGrown(): boolean {
  return memory !== undefined && memory.used.buffer.byteLength > ownPages * pageBytes;
}

/** What the interpreter says without memory is often something else, or nothing. */
export function memoryIsFull(): boolean {
  const nearly = 0.9;
  return memory !== undefined && memory.used.buffer.byteLength > nearly * memory.maximumBytes;
}

/** As much of the global object as is used; the types of Node do not have it. */
interface WithWebAssembly {
  readonly WebAssembly: {
    readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => Memory;
  };
}

interface Memory {
  readonly buffer: { readonly byteLength: number };
}

type Loader = Extract<
  Awaited<ReturnType<QuickJSSyncVariant["importModuleLoader"]>>,
  (...args: never) => unknown
>;

function limitedVariant(moreBytes: number): QuickJSSyncVariant {
  const maximum = Math.min(mostPages, ownPages + Math.ceil((memoryLimitBytes + moreBytes) / pageBytes));
  const { Memory } = (globalThis as unknown as WithWebAssembly).WebAssembly;
  const wasmMemory = new Memory({ initial: ownPages, maximum });
  memory = { used: wasmMemory, maximumBytes: maximum * pageBytes };
  // The package describes its CommonJS face; as an ES module its default export is the variant itself.
  const limited = newVariant(variant as unknown as QuickJSSyncVariant, { wasmMemory });
  return {
    ...limited,
    importModuleLoader: async () => {
      const imported = await limited.importModuleLoader();
      // As it is with the variant itself.
      const load = ("default" in imported ? imported.default : imported) as Loader;
      return async () => {
        const module = await load();
        // The first call puts the real function in the place of the one that is called.
        module._free(module._malloc(1));
        const allocate = module._malloc.bind(module);
        module._malloc = (bytes: number) => {
          const place = allocate(bytes);
          if (place === 0) throw new OutOfMemory();
          return place;
        };
        return module;
      };
    },
  };
}
