/** Parts that several views are made of: states, times, buttons that ask and answer, empty states. */
import { h, say, setText } from "./dom.js";
import { clock, dateAndTime, roughly, stopwatch } from "./format.js";

const marks = { created: "◇", queued: "◷", dispatched: "◔", started: "▶", finished: "✓", error: "✕" };
const words = { dispatched: "taken", started: "running" };

/** Shape, word and colour together. */
export function stateBadge({ status, reason }) {
  return h(
    "span",
    { class: `state state-${status}` },
    h("span", { "aria-hidden": "true", class: "mark" }, marks[status] ?? "?"),
    " ",
    words[status] ?? status,
    reason === undefined ? null : [" · ", h("code", {}, ...breakable(reason))],
  );
}

/** A name of several words may go on in the next line after each of them, where the window is narrow. */
function breakable(name) {
  // Not split at a lookbehind: browsers of before 2023 would not load the page at all.
  return (name.match(/[^_]*_|[^_]+/g) ?? []).flatMap((word) => [word, h("wbr", {})]);
}

export function jobAddress({ id, runner }) {
  const query = runner === undefined ? "" : `?runner=${encodeURIComponent(runner)}`;
  return `/jobs/${encodeURIComponent(id)}${query}`;
}

/** A time that says how long ago it was, and keeps saying it. Exact on hover. */
export function ago(ms) {
  if (ms === undefined) return h("span", { class: "faint" }, "–");
  const date = new Date(ms);
  const machine = Number.isNaN(date.getTime()) ? undefined : date.toISOString();
  return h("time", { "data-ago": ms, datetime: machine, title: dateAndTime(ms) }, agoText(ms));
}

function agoText(ms) {
  return `${roughly(clock.now() - ms)} ago`;
}

/** Time since, against a limit, with a bar. */
export function elapsed(sinceMs, limitMs) {
  const share = Math.min(1, Math.max(0, (clock.now() - sinceMs) / limitMs));
  return h(
    "span",
    { class: "elapsed", "data-since": sinceMs, "data-limit": limitMs },
    h("span", { class: "stopwatch" }, stopwatch(clock.now() - sinceMs)),
    h("progress", { max: 1, value: share, "aria-label": "part of the timeout that is used" }),
    h("span", { class: "faint" }, ` of ${roughly(limitMs)}`),
  );
}

/** Moves every time on the page that has to move. */
export function tick() {
  for (const one of document.querySelectorAll("[data-ago]")) setText(one, agoText(Number(one.dataset.ago)));
  for (const one of document.querySelectorAll("[data-since]")) {
    const ms = clock.now() - Number(one.dataset.since);
    setText(one.querySelector(".stopwatch"), stopwatch(ms));
    one.querySelector("progress").value = Math.min(1, Math.max(0, ms / Number(one.dataset.limit)));
  }
}

/** A button that shows at once that it was heard, and then what came of it. `run` answers a sentence or nothing. */
export function actionButton(label, { busy = `${label} …`, className = "", run }) {
  const answer = h("span", { class: "answer", role: "status" });
  const button = h("button", { type: "button", class: className }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    setText(button, busy);
    answer.className = "answer";
    setText(answer, "");
    try {
      setText(answer, (await run()) ?? "");
    } catch (error) {
      answer.className = "answer bad";
      setText(answer, sentenceOf(error));
    } finally {
      button.disabled = false;
      setText(button, label);
    }
  });
  return h("span", { class: "action" }, button, answer);
}

/** Asks once, in place, and names what it does. */
export function confirmButton(label, { question, yes, busy, run }) {
  const place = h("span", { class: "action" });
  const start = h("button", { type: "button", class: "danger", onclick: () => askFirst() }, label);
  const rest = (sentence = "", bad = false) => {
    const answer = h("span", { class: `answer${bad ? " bad" : ""}`, role: "status" }, sentence);
    place.replaceChildren(start, answer);
  };
  const back = () => {
    rest();
    start.focus();
  };
  const askFirst = () => {
    const no = h("button", { type: "button", onclick: back }, "No");
    const sure = h("button", { type: "button", class: "danger strong", onclick: () => void doIt() }, yes);
    const ask = h(
      "span",
      { class: "question", role: "group", "aria-label": question },
      question,
      " ",
      sure,
      " ",
      no,
    );
    ask.addEventListener("keydown", (event) => {
      if (event.key === "Escape") back();
    });
    place.replaceChildren(ask);
    sure.focus();
    say(question);
  };
  const doIt = async () => {
    place.replaceChildren(h("span", { class: "answer", role: "status" }, busy));
    try {
      rest((await run()) ?? "");
    } catch (error) {
      rest(sentenceOf(error), true);
    }
  };
  rest();
  return place;
}

export function copyButton(label, textOf) {
  return actionButton(label, {
    busy: "Copying …",
    run: async () => {
      await navigator.clipboard.writeText(textOf());
      return "Copied";
    },
  });
}

/** A command to type, with a way to copy it. */
export function commandBox(text) {
  return h(
    "div",
    { class: "command" },
    h("pre", {}, h("code", {}, text)),
    copyButton("Copy", () => text),
  );
}

export function sentenceOf(error) {
  const hint = error?.data?.hint;
  return `${error?.message ?? error}${hint === undefined ? "" : ` ${hint}`}`;
}

export function problem(error) {
  return h("p", { class: "notice bad", role: "alert" }, sentenceOf(error));
}

export function empty(title, ...more) {
  return h("div", { class: "empty" }, h("p", {}, h("strong", {}, title)), ...more);
}

/** Rows of a table of jobs. Every row has one link; a click anywhere on the row follows it. */
export function rowLink(row, address) {
  row.classList.add("row");
  row.addEventListener("click", (event) => {
    if (event.target.closest("a, button, input, summary") !== null || String(getSelection()) !== "") return;
    row.querySelector(`a[href="${CSS.escape(address)}"], a`)?.click();
  });
  return row;
}
