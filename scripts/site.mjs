/** `npm run site`: makes a static site of our pages in site-output/. It needs no server: open index.html. */
import { join } from "node:path";
import { buildSite } from "./site/build.mjs";

const repository = join(import.meta.dirname, "..");
const { pages, folder } = await buildSite(repository, join(repository, "site-output"));
console.log(`${pages} pages in ${folder}; open ${join(folder, "index.html")}`);
