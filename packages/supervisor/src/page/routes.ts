/** Routes that only the page needs; everything else it does goes through the API that everybody has. */
import type { Answer } from "../http/answer.ts";
import type { Visit } from "../http/visit.ts";
import { checkReceipt } from "./receipt-route.ts";
import { showStats } from "./stats-route.ts";

export const pageRoutes: readonly {
  readonly method: "GET";
  readonly path: RegExp;
  readonly run: (visit: Visit) => Promise<Answer>;
}[] = [
  { method: "GET", path: /^\/page\/stats$/, run: showStats },
  { method: "GET", path: /^\/page\/jobs\/(?<id>[A-Za-z0-9._-]{1,128})\/receipt$/, run: checkReceipt },
];
