/** The licences of everything that is not ours in a bundle, as one text. Throws when a package brings none. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @param {readonly string[]} inputs Paths of bundled modules. @param {string} repository */
export function thirdPartyNotices(inputs, repository) {
  const folders = new Set(
    inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? ""),
  );
  folders.delete("");
  return [...folders]
    .sort()
    .map((folder) => noticeOf(join(repository, folder)))
    .join("\n");
}

/** @param {string} folder */
function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0 && typeof license !== "string") throw new Error(`${folder} brings no licence`);
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${name} ${version}, ${license}`, "", ...texts, "", "-".repeat(72), ""].join("\n");
}
