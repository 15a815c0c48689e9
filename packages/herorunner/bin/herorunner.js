#!/usr/bin/env node
"use strict";
// A reload that comes this early asks for what is about to happen: the trust file is read anyway.
process.on("SIGHUP", () => undefined);
// The bundle, where there is one and it was made of this very build; else what was compiled.
const bundle = `${__dirname}/../dist/bundle/start.cjs`;
if (!require("node:fs").existsSync(bundle) || !require(bundle).run()) void import("../dist/main.js");
