/** Search without a server: the index is loaded when somebody begins to search. `/` begins, Escape ends, arrows walk. */
const root = document.currentScript?.dataset.root ?? "";
const field = document.querySelector("#search");
const found = document.querySelector("#found");
const mostResults = 12;
const aroundMatch = 70;
let index;

function loadIndex() {
  index ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}assets/search-index.js`;
    script.addEventListener("load", () => resolve(globalThis.searchIndex));
    script.addEventListener("error", reject);
    document.head.append(script);
  });
  return index;
}

/** Every word must be somewhere in the section or its titles; where it stands decides the order. */
function score([, title, heading, text], words) {
  const [inTitle, inHeading, inText] = [title, heading, text].map((part) => part.toLowerCase());
  let sum = 0;
  for (const word of words) {
    const times = inText.split(word).length - 1;
    const here = (inHeading.includes(word) ? 12 : 0) + (inTitle.includes(word) ? 5 : 0) + Math.min(times, 5);
    if (here === 0) return 0;
    sum += here + (inHeading.replaceAll("`", "") === word ? 10 : 0);
  }
  return sum;
}

function marked(text, words) {
  const lower = text.toLowerCase();
  const at = Math.max(0, Math.min(...words.map((word) => lower.indexOf(word)).filter((place) => place >= 0)));
  const from = Number.isFinite(at) ? Math.max(0, at - aroundMatch) : 0;
  const piece = `${from > 0 ? "… " : ""}${text.slice(from, from + 2.4 * aroundMatch)}`;
  const line = document.createElement("span");
  const pattern = new RegExp(
    `(${words.map((word) => word.replaceAll(/[^\p{L}\p{N}]/gu, "\\$&")).join("|")})`,
    "giu",
  );
  for (const [place, part] of piece.split(pattern).entries()) {
    if (place % 2 === 0) line.append(part);
    else line.append(Object.assign(document.createElement("mark"), { textContent: part }));
  }
  return line;
}

function resultLink([url, title, heading, text], words) {
  const link = document.createElement("a");
  link.href = root + url;
  const name = document.createElement("b");
  name.textContent = heading === title ? title : `${title} › ${heading}`;
  link.append(name, marked(text, words));
  return link;
}

let turn = 0;
async function search() {
  const mine = (turn += 1);
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = words.length === 0 ? [] : await loadIndex();
  if (mine !== turn) return;
  const ranked = rows
    .map((row) => ({ row, points: score(row, words) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points);
  found.hidden = words.length === 0;
  const count = document.createElement("p");
  count.setAttribute("role", "status");
  count.textContent =
    ranked.length === 0 ? "nothing found" : `${ranked.length} ${ranked.length === 1 ? "place" : "places"}`;
  found.replaceChildren(count, ...ranked.slice(0, mostResults).map(({ row }) => resultLink(row, words)));
}

function close() {
  found.hidden = true;
}

field.addEventListener("focus", () => void loadIndex().catch(() => undefined));
field.addEventListener("input", () => void search());
document.addEventListener("keydown", (event) => {
  const walking = event.target === field || found.contains(event.target);
  const typing = event.target.matches?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "Escape" && walking) {
    close();
    field.focus();
  } else if (event.key === "Enter" && event.target === field) {
    found.querySelector("a")?.click();
  } else if (walking && !found.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    const places = [field, ...found.querySelectorAll("a")];
    const step = event.key === "ArrowDown" ? 1 : places.length - 1;
    places[(places.indexOf(document.activeElement) + step) % places.length].focus();
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("search") || event.target.closest("#found a")) close();
});
