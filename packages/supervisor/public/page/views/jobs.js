/** Jobs: filters that stand in the address, and pages by cursor, so that a long history costs no more than a short one. */
import { call, reasonGuide } from "../api.js";
import { atMost, h, reconcile, setText, show } from "../dom.js";
import { count } from "../format.js";
import { jobKey, jobRow, jobSignature, jobTable } from "../job-rows.js";
import { onLive } from "../live.js";
import { commandBox, empty, problem } from "../parts.js";

const pageSize = 50;
/** Pages that hold nothing are walked over by themselves, so far. */
const emptyPages = 5;
const sinceChoices = [
  ["", "any time"],
  ["900000", "15 min"],
  ["3600000", "1 h"],
  ["86400000", "1 day"],
];

export function jobsView({ query, go }) {
  const table = jobTable("Jobs, newest first");
  const more = h("button", { type: "button" }, "Older jobs");
  const note = h("p", { class: "table-note faint", role: "status" }, "…");
  const fresh = h("button", { type: "button", class: "link", hidden: true }, "Show what came since");
  const trouble = h("div", {});
  const state = { jobs: [], cursor: undefined, gone: false, busy: false, failed: false };
  const filter = filterOf(query);
  const paint = () => {
    reconcile(table.body, state.jobs, { key: jobKey, signature: jobSignature, make: jobRow });
    show(table.table, state.jobs.length > 0);
    show(more, typeof state.cursor === "string");
    note.replaceChildren(noteFor(state, filter));
  };
  const read = async (mode) => {
    if (state.busy || state.gone) return;
    state.busy = true;
    more.disabled = true;
    if (mode === "more") setText(more, "Looking …");
    try {
      const page = await readPage(filter, mode === "more" ? state.cursor : undefined);
      if (state.gone) return;
      state.jobs = mode === "more" ? [...state.jobs, ...page.jobs] : page.jobs;
      state.cursor = page.next_cursor;
      state.failed = false;
      trouble.replaceChildren();
      paint();
    } catch (error) {
      state.failed = mode === "first";
      if (error?.data?.reason !== "unreachable") trouble.replaceChildren(problem(error));
    } finally {
      state.busy = false;
      more.disabled = false;
      setText(more, "Older jobs");
    }
  };
  more.addEventListener("click", () => void read("more"));
  fresh.addEventListener("click", () => {
    show(fresh, false);
    void read("first");
  });
  // Who reads further back is not pulled to the front.
  const soon = atMost(1500, () => (state.jobs.length > pageSize ? show(fresh, true) : read("first")));
  const stop = onLive(["job", "resync"], soon);
  const again = setInterval(() => (state.failed ? soon() : undefined), 5000);
  void read("first");
  return {
    title: "Jobs",
    node: h("div", {}, h("h1", {}, "Jobs"), filterForm(query, go), trouble, fresh, table.table, note, more),
    leave: () => {
      state.gone = true;
      stop();
      clearInterval(again);
    },
  };
}

async function readPage(filter, cursor) {
  const since = filter.since === undefined ? {} : { since: Math.floor(Date.now() - Number(filter.since)) };
  const found = { jobs: [], next_cursor: cursor };
  for (let page = 0; page < emptyPages && found.jobs.length < pageSize; page += 1) {
    const at = found.next_cursor === undefined ? {} : { cursor: found.next_cursor };
    const next = await call("job.list", { ...filter, ...since, ...at, limit: pageSize - found.jobs.length });
    found.jobs.push(...next.jobs);
    found.next_cursor = next.next_cursor;
    if (next.next_cursor === null) break;
  }
  return found;
}

function filterOf(query) {
  const names = ["runner", "status", "reason", "caller_id", "since"];
  return Object.fromEntries(
    names.map((name) => [name, query.get(name) ?? ""]).filter(([, value]) => value !== ""),
  );
}

function noteFor({ jobs, cursor }, filter) {
  if (jobs.length > 0)
    return document.createTextNode(
      cursor === null ? `${count(jobs.length)} jobs, all there are.` : `${count(jobs.length)} jobs so far.`,
    );
  if (typeof cursor === "string")
    return document.createTextNode("None among the newest jobs; older ones can be looked through.");
  if (Object.keys(filter).length > 0) {
    return h("span", {}, "No job is like that. ", h("a", { href: "/jobs" }, "Show all jobs"));
  }
  return empty(
    "No job yet. This submits one:",
    commandBox(`herojob submit --runner my-hero-runner -e 'print("hello")' --wait`),
  );
}

function filterForm(query, go) {
  const choose = (name, label, choices) => {
    const value = query.get(name) ?? "";
    const options = choices.map(([key, text]) => h("option", { value: key, selected: key === value }, text));
    const select = h("select", { name, id: `filter-${name}` }, ...options);
    return h("label", { for: `filter-${name}` }, h("span", {}, label), select);
  };
  const type = (name, label) =>
    h(
      "label",
      { for: `filter-${name}` },
      h("span", {}, label),
      h("input", {
        name,
        id: `filter-${name}`,
        value: query.get(name) ?? "",
        maxlength: 128,
        autocomplete: "off",
        spellcheck: "false",
        placeholder: "any",
      }),
    );
  const statuses = ["created", "queued", "dispatched", "started", "finished", "error"];
  const words = { dispatched: "taken", started: "running" };
  const reason = choose("reason", "Reason", [
    ["", "any"],
    ...(query.get("reason") ? [[query.get("reason"), query.get("reason")]] : []),
  ]);
  void reasonGuide().then(
    ({ order }) => fillReasons(reason.querySelector("select"), order, query.get("reason")),
    () => undefined,
  );
  const form = h(
    "form",
    { class: "filters", role: "search", "aria-label": "Filter jobs" },
    type("runner", "Runner"),
    choose("status", "State", [["", "any"], ...statuses.map((one) => [one, words[one] ?? one])]),
    reason,
    type("caller_id", "Caller"),
    choose("since", "Since", sinceChoices),
    h("button", { type: "submit" }, "Filter"),
    query.size > 0 ? h("a", { href: "/jobs" }, "Clear") : null,
  );
  const apply = (event) => {
    event.preventDefault();
    const chosen = [...new FormData(form)]
      .filter(([, value]) => value !== "")
      .map(([name, value]) => [name, value.trim()]);
    const text = new URLSearchParams(chosen).toString();
    go(text === "" ? "/jobs" : `/jobs?${text}`);
  };
  form.addEventListener("submit", apply);
  for (const select of form.querySelectorAll("select")) select.addEventListener("change", apply);
  return form;
}

function fillReasons(select, order, chosen) {
  const options = order.map((name) => h("option", { value: name, selected: name === chosen }, name));
  select.replaceChildren(h("option", { value: "" }, "any"), ...options);
}
