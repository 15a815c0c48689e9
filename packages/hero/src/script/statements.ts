/**
 * Watches the words of statements for two things: calls of the form `actor.action(`, so that a reader can list them
 * without running the script, and words that promise asynchronous work, which a script cannot do.
 */
import type { Token } from "./javascript.ts";

export interface FoundCall {
  readonly actor: string;
  readonly name: string;
  readonly offset: number;
}

export class StatementWatch {
  readonly calls: FoundCall[] = [];
  readonly asynchronous: Token[] = [];
  /** Words used as something else than the left side of a dot: names a script may have given itself. */
  readonly ownWords = new Set<string>();
  readonly #recent: Token[] = [];

  see(token: Token): void {
    if (token.kind === "comment") return;
    const [dot, actor, mark, name] = [-4, -3, -2, -1].map((back) => this.#recent.at(back));
    if (token.text === "(" && name?.kind === "word" && mark?.text === "." && actor?.kind === "word") {
      if (dot?.text !== ".") this.calls.push({ actor: actor.text, name: name.text, offset: actor.offset });
    }
    if (token.text === "(" && name?.text === "import" && mark?.text !== ".") this.asynchronous.push(name);
    if (token.kind === "word" && (token.text === "async" || token.text === "await") && name?.text !== ".") {
      this.asynchronous.push(token);
    }
    if (name?.kind === "word" && mark?.text !== "." && token.text !== ".") this.ownWords.add(name.text);
    this.#recent.push(token);
    if (this.#recent.length > 4) this.#recent.shift();
  }
}
