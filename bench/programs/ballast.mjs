/** Preloaded into a runner: 256 MB of live data, to see what the size of the process costs each job. */
globalThis.ballast = Array.from({ length: 256 }, () => Buffer.alloc(1024 * 1024, 1));
