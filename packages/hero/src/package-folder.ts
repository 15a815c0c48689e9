/** The folder of this package, for the files in it that are no modules. */
import { existsSync } from "node:fs";

/** One folder up from this module, two from a bundle that holds it. */
export function packageFolder(): URL {
  const above = new URL("../", import.meta.url);
  return existsSync(new URL("package.json", above)) ? above : new URL("../", above);
}
