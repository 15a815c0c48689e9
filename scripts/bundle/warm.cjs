/**
 * `node warm.cjs START ARGS…`: runs a bundled program as it would run, and leaves V8's code cache of every chunk that was
 * loaded beside it. A daemon is given a short while, then its SIGTERM.
 */
"use strict";
const { renameSync, writeFileSync } = require("node:fs");
const path = require("node:path");

const [start = "", ...args] = process.argv.slice(2);
process.argv.splice(1, process.argv.length, start, ...args);
const { run, sumOf, loaded, folder, cacheEnding } = require(start);
process.on("exit", () => {
  for (const [name, { script }] of loaded) {
    const file = path.join(folder, name + cacheEnding);
    const data = script.createCachedData();
    const sum = Buffer.alloc(4);
    sum.writeInt32LE(sumOf(data));
    writeFileSync(`${file}.new`, Buffer.concat([data, sum]));
    renameSync(`${file}.new`, file);
  }
});
run();
setTimeout(() => process.kill(process.pid, "SIGTERM"), 1_000).unref();
