/** Keys: `/` search, `j` `k` rows, Enter open, `f` follow, `?` help. Never while somebody types. */
import { h } from "./dom.js";

const help = [
  ["/", "search: in the log of a job, else for a job by its id"],
  ["j, k", "next and previous row"],
  ["Enter", "open the row"],
  ["f", "follow the log"],
  ["Escape", "close, or leave a field"],
  ["?", "this help"],
];

const actions = new Map();

/** What a key does on the view that is shown; undone by the returned function. */
export function onKey(key, run) {
  actions.set(key, run);
  return () => {
    if (actions.get(key) === run) actions.delete(key);
  };
}

export function startKeyboard() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (typing) {
      if (event.key === "Escape") typing.blur();
      return;
    }
    const run = actions.get(event.key) ?? always.get(event.key);
    if (run === undefined) return;
    event.preventDefault();
    run();
  });
}

const always = new Map([
  ["/", () => focusOn(document.getElementById("find-id"))],
  ["j", () => step(1)],
  ["k", () => step(-1)],
  ["?", () => showHelp()],
]);

function focusOn(element) {
  if (element === null || element.closest("[hidden]")) return;
  element.focus();
  element.select();
}

function step(by) {
  const rows = [...document.querySelectorAll("main .row")].filter((row) => row.offsetParent !== null);
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.classList.contains("picked"));
  const next = at === -1 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[at]?.classList.remove("picked");
  rows[next].classList.add("picked");
  const link = rows[next].querySelector("a");
  link?.focus({ preventScroll: true });
  rows[next].scrollIntoView({ block: "nearest" });
}

function showHelp() {
  const open = document.querySelector("dialog[open]");
  if (open !== null) return open.close();
  const rows = help.map(([key, what]) =>
    h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, key)), h("td", {}, what)),
  );
  const dialog = h(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    h("h2", { id: "help-title" }, "Keys"),
    h("table", {}, h("tbody", {}, rows)),
    h("button", { type: "button", onclick: () => dialog.close() }, "Close"),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
