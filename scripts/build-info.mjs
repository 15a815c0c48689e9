/**
 * Last step of `npm run build`: writes the commit of this checkout into `dist/build.json` of every workspace, where the
 * programs read it. Outside a checkout, or without git, the file goes away, and `--version` shows the version alone.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const repository = new URL("../", import.meta.url);
/** @type {{ workspaces: string[] }} */
const { workspaces } = JSON.parse(readFileSync(new URL("package.json", repository), "utf8"));

const commit = headCommit();
for (const workspace of workspaces) {
  const dist = new URL(`${workspace}/dist/`, repository);
  const file = new URL("build.json", dist);
  mkdirSync(dist, { recursive: true });
  if (commit === undefined) rmSync(file, { force: true });
  else writeWhereNew(file, `${JSON.stringify({ commit })}\n`);
}

/** A program that is just starting must not find half a file. @param {URL} file @param {string} text */
function writeWhereNew(file, text) {
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}

/**
 * A copy of the sources that lies inside somebody else's checkout must not take that one's commit: here, the prefix is empty.
 * A checkout that another user owns is as good for reading a name.
 */
function headCommit() {
  try {
    const answer = execFileSync("git", ["-c", "safe.directory=*", "rev-parse", "--show-prefix", "HEAD"], {
      cwd: fileURLToPath(repository),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return /^\n([0-9a-f]{40,64})\n$/.exec(answer)?.[1];
  } catch {
    return undefined;
  }
}
