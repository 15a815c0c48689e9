/**
 * Starts a program from its bundle. The build copies this file to `dist/bundle` and fills in `made`. `run` answers false,
 * and has done nothing, when `dist` was compiled again since: then the caller starts `dist` itself. Files are
 * CommonJS and come with V8's code cache, because that halves what a start costs; Node takes a cache of another
 * Node for nothing and compiles.
 */
"use strict";
const { existsSync, readFileSync, statSync } = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const vm = require("node:vm");

/** @type {{ folder: string, inputs: [input: string, mtimeMs: number, size: number][] }} */
const made = { folder: "", inputs: [] };

const folder = path.join(__dirname, made.folder);
/** What `import.meta.url` of a compiled file begins with. */
const distUrl = `${pathToFileURL(path.dirname(__dirname)).href}/`;
const cacheEnding = `.${process.version}-${process.arch}.cache`;
/** @type {Map<string, { exports: object, script?: vm.Script }>} */
const loaded = new Map();

/** Starts the program, or answers false. */
function run() {
  if (!isFresh()) return false;
  const main = read("main.cjs");
  if (main === undefined) return false;
  load("main.cjs", main.toString());
  return true;
}

/** In an installed package the compiler's own files are missing: there nothing is compiled again. */
function isFresh() {
  return made.inputs.every(([input, mtimeMs, size]) => {
    const now = statSync(path.join(__dirname, input), { throwIfNoEntry: false });
    return now === undefined || (now.mtimeMs === mtimeMs && now.size === size);
  });
}

/** @param {string} name */
function chunk(name) {
  return loaded.get(name)?.exports ?? load(name, readFileSync(path.join(folder, name), "utf8"));
}

/** @param {string} name @param {string} code */
function load(name, code) {
  const filename = path.join(folder, name);
  const cachedData = unspoiled(read(name + cacheEnding));
  const script = new vm.Script(code, {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {}, script };
  loaded.set(name, module);
  const fileUrl = pathToFileURL(filename).href;
  const bundled = { require, chunk, importFile, distUrl, urlIn, fileUrl };
  script.runInThisContext()(module.exports, module, bundled);
  return module.exports;
}

/**
 * Of a file of another package, which npm puts beside this one, or below it with --global. require.resolve would take milliseconds.
 * @param {string} name @param {string} place
 */
function urlIn(name, place) {
  const below = path.join(__dirname, "../../node_modules/@herorunner", name);
  const owner = existsSync(below) ? below : path.join(__dirname, "../../..", name);
  return pathToFileURL(path.join(owner, "dist", place)).href;
}

/** `import` itself does not work in a script that came out of a cache. @param {string} url */
function importFile(url) {
  return import(url);
}

/** Undefined where it is not there: a build may have put another one in its place. @param {string} name */
function read(name) {
  try {
    return readFileSync(path.join(folder, name));
  } catch {
    return undefined;
  }
}

/**
 * What a cache file holds before the sum at its end. V8 trusts what it is given: a cache that a crash of the host has left
 * half written would end the process.
 * @param {Buffer | undefined} file
 */
function unspoiled(file) {
  if (file === undefined || file.length < 8 || file.length % 4 !== 0) return undefined;
  const data = file.subarray(0, -4);
  return sumOf(data) === file.readInt32LE(data.length) ? data : undefined;
}

/** @param {Buffer} data */
function sumOf(data) {
  const aligned = data.byteOffset % 4 === 0 ? data : new Uint8Array(data);
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  let sum = 1;
  for (let at = 0; at < words.length; at++) sum = (Math.imul(sum, 31) + (words[at] ?? 0)) | 0;
  return sum;
}

module.exports = { run, isFresh, sumOf, loaded, folder, cacheEnding };
