/**
 * Starts a program from its bundle. The build copies this file to `dist/bundle` and fills in `made`. `run` answers false,
 * and has done nothing, when `dist` was compiled again since: then the caller starts `dist` itself. Files are
 * CommonJS and come with V8's code cache, because that halves what a start costs; Node takes a cache of another
 * Node for nothing and compiles.
 */
"use strict";
const { readFileSync, statSync } = require("node:fs");
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
  const cachedData = read(name + cacheEnding);
  const script = new vm.Script(code, {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {}, script };
  loaded.set(name, module);
  const fileUrl = pathToFileURL(filename).href;
  script.runInThisContext()(module.exports, module, { require, chunk, importFile, distUrl, fileUrl });
  return module.exports;
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

module.exports = { run, isFresh, loaded, folder, cacheEnding };
