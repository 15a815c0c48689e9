/**
 * The Redis library without what we never call: a method for each of Redis's commands (ours are sent by name), its
 * clusters, sentinels and pools (we locate nodes ourselves). Defining those methods is most of what the library costs at a
 * start. Commands that its client sends by itself stay.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const unused = /@redis\/client\/dist\/lib\/(?:cluster|sentinel)\/index\.js$/;
const commandList = /@redis\/client\/dist\/lib\/commands\/index\.js$/;

const esModule = 'Object.defineProperty(exports, "__esModule", { value: true });';

/** @type {import("esbuild").Plugin} */
export const slimRedisClient = {
  name: "slim redis client",
  setup: (bundling) => {
    bundling.onLoad({ filter: commandList }, ({ path }) => ({ contents: commandsOfClient(path) }));
    bundling.onLoad({ filter: unused }, () => ({ contents: `${esModule} exports.default = class {};` }));
    // Only asked for where the program turns the library's own traces on.
    bundling.onResolve({ filter: /^@opentelemetry\/api$/ }, ({ importer }) =>
      importer.includes("/@redis/client/") ? { path: "@opentelemetry/api", external: true } : undefined,
    );
  },
};

/** @param {string} list */
function commandsOfClient(list) {
  const folder = join(list, "..", "..", "client");
  const used = new Set(
    readdirSync(folder)
      .filter((name) => name.endsWith(".js"))
      .flatMap((name) => [
        ...readFileSync(join(folder, name), "utf8").matchAll(/\bcommands_1\.default\.(\w+)/g),
      ])
      .map(([, command = ""]) => command),
  );
  if (!used.has("AUTH")) throw new Error("the Redis library logs in by other means than before: look at it");
  const members = [...used].map((command) => `${command}: require("./${command}").default`);
  return `${esModule} exports.default = { ${members.join(", ")} }; exports.NON_STICKY_COMMANDS = {};`;
}
