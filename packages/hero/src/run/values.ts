/**
 * The values an action is run with: pieces of text and the results of `${…}` put together, session variables filled
 * in. Variables are replaced in what the author wrote only, never in the result of an expression.
 */
import type { Action, TemplatePiece } from "../script/ast.ts";
import { fixName } from "../script/names.ts";
import type { Session } from "./session.ts";

function fillVariables(text: string, variables: ReadonlyMap<string, string>): string {
  if (variables.size === 0 || !text.includes("{")) return text;
  return text.replace(/\{([A-Za-z0-9_]+)\}/g, (whole, name: string) => variables.get(fixName(name)) ?? whole);
}

/** `results` are the texts of the action's expressions in document order. */
export function actionValues(
  action: Action,
  results: readonly string[],
  session: Session,
): { readonly params: ReadonlyMap<string, string>; readonly args: readonly string[] } {
  let next = 0;
  const params = new Map<string, string>();
  const fill = (piece: TemplatePiece) =>
    piece.kind === "code" ? (results[next++] ?? "") : fillVariables(piece.text, session.variables);
  for (const parameter of action.params) {
    const value =
      parameter.template === undefined
        ? fillVariables(parameter.value, session.variables)
        : parameter.template.map(fill).join("");
    params.set(parameter.key, value);
  }
  return { params, args: action.args.map((argument) => argument.value) };
}
