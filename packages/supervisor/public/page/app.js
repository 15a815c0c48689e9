/** The page: who is signed in, which view an address shows, and the header that says how fresh it all is. */
import { onAnswer, session, signOut, whoAmI } from "./api.js";
import { h, setText, show } from "./dom.js";
import { roughly } from "./format.js";
import { startKeyboard } from "./keyboard.js";
import { live } from "./live.js";
import { jobAddress, problem, tick } from "./parts.js";
import { signInView } from "./views/sign-in.js";

/** Views are loaded when they are first shown. A view answers `{ title, node, leave? }`. */
const views = [
  { path: /^\/$/, load: async () => (await import("./views/overview.js")).overviewView },
  { path: /^\/jobs$/, load: async () => (await import("./views/jobs.js")).jobsView },
  { path: /^\/jobs\/(?<id>[^/]+)$/, load: async () => (await import("./views/job.js")).jobView },
  { path: /^\/runners$/, load: async () => (await import("./views/runners.js")).runnersView },
  { path: /^\/submit$/, load: async () => (await import("./views/submit.js")).submitView },
];

const main = document.getElementById("main");
let leave = () => undefined;
let shown = 0;

export function go(address, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  void render({ moved: true });
}

async function render({ moved }) {
  const turn = (shown += 1);
  const { pathname, search, hash } = location;
  const found = views.find(({ path }) => path.test(pathname));
  const parts = found?.path.exec(pathname)?.groups ?? {};
  markNav(pathname);
  let view;
  try {
    if (found === undefined) throw new Error(`there is no page at ${pathname}`);
    const make = await found.load();
    if (turn !== shown) return;
    leave();
    leave = () => undefined;
    view = make({ parts, query: new URLSearchParams(search), hash, go });
  } catch (error) {
    view = { title: "Not shown", node: problem(error) };
  }
  leave = view.leave ?? (() => undefined);
  document.title = `${view.title} · herorunner`;
  main.replaceChildren(view.node);
  if (!moved) return;
  main.focus({ preventScroll: true });
  if (hash === "") scrollTo(0, 0);
}

function markNav(pathname) {
  for (const link of document.querySelectorAll("#nav a")) {
    const own = link.getAttribute("href");
    const here = own === "/" ? pathname === "/" : pathname.startsWith(own);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    show(link, link.dataset.scope === undefined || session.may(link.dataset.scope));
  }
}

/** Links of our own stay on the page; everything else is the browser's. */
function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    // An entry in the history would be taken for another view, and what somebody typed here would be gone.
    if (link.getAttribute("href") === "#main") {
      event.preventDefault();
      main.focus();
      return;
    }
    const address = new URL(link.href);
    const ours = address.origin === location.origin && views.some(({ path }) => path.test(address.pathname));
    if (!ours || link.hasAttribute("download") || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    go(address.pathname + address.search + address.hash);
  });
  addEventListener("popstate", () => void render({ moved: false }));
  document.getElementById("find").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = document.getElementById("find-id");
    const id = field.value.trim();
    if (id === "") return;
    field.value = "";
    field.blur();
    go(jobAddress({ id }));
  });
}

const stateWords = { live: "live", connecting: "connecting", reconnecting: "reconnecting" };

function showLive() {
  const place = document.getElementById("live");
  place.dataset.state = live.state;
  document.body.classList.toggle("stale", live.state === "reconnecting");
  const age = live.state === "reconnecting" ? `, last data ${roughly(live.silentMs)} ago` : "";
  setText(place, `${live.state === "live" ? "●" : "○"} ${stateWords[live.state]}${age}`);
}

async function start(principal) {
  Object.assign(session, principal);
  for (const id of ["nav", "find", "live", "who"]) show(document.getElementById(id), true);
  const scope = ["admin", "jobs:write", "jobs:read"].find((one) => session.may(one)) ?? "";
  const rights = { admin: "admin", "jobs:write": "read-write", "jobs:read": "read-only" }[scope];
  document
    .getElementById("who")
    .replaceChildren(
      h("span", { class: "key" }, `${session.name} (${rights})`),
      " ",
      h("button", { type: "button", class: "link", onclick: () => void leaveSession() }, "Sign out"),
    );
  live.start();
  await render({ moved: false });
}

async function leaveSession() {
  try {
    await signOut();
    askForKey();
  } catch (error) {
    document.getElementById("not-signed-out")?.remove();
    const sentence = `You are not signed out: ${error.message}. Try again.`;
    main.prepend(h("p", { id: "not-signed-out", class: "notice bad", role: "alert" }, sentence));
  }
}

function askForKey(sentence) {
  live.stop();
  leave();
  leave = () => undefined;
  shown += 1;
  Object.assign(session, { name: "", scopes: [] });
  for (const id of ["nav", "find", "live", "who"]) show(document.getElementById(id), false);
  document.body.classList.remove("stale");
  document.title = "Sign in · herorunner";
  main.replaceChildren(signInView({ sentence, onSignedIn: (principal) => void start(principal) }));
  main.querySelector("input")?.focus();
}

live.addEventListener("state", showLive);
setInterval(() => {
  if (document.hidden) return;
  tick();
  showLive();
}, 1000);
onAnswer(({ signedOut }) => {
  if (signedOut && session.name !== "") askForKey("The session has ended. Sign in again to go on.");
});
followLinks();
startKeyboard();
try {
  const principal = await whoAmI();
  if (principal === undefined) askForKey();
  else await start(principal);
} catch (error) {
  main.replaceChildren(problem(error));
  setTimeout(() => location.reload(), 5000);
}
