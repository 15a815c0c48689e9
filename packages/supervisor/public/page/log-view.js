/**
 * A log that stays quick however long it is: only the rows that can be seen exist. Follows its end until somebody scrolls
 * up, and says so; finds text; every line has an address.
 */
import { h, setText, show } from "./dom.js";
import { bytes, count } from "./format.js";
import { onKey } from "./keyboard.js";
import { findAll, LogLines, Rows } from "./log-lines.js";

const rowHeight = 20;
/** Browsers lose count of pixels somewhere above this. */
const maxHeight = 8_000_000;
const spareRows = 20;

export class LogView {
  store = new LogLines();
  #rows = new Rows(this.store);
  #parts;
  #following = true;
  #unseen = 0;
  #hits = [];
  #hit = -1;
  #marked;
  #changedFrom = Infinity;
  #painting = false;
  #cleanUps = [];
  #ownScroll = 0;

  constructor({ downloads }) {
    this.#parts = buildParts(downloads);
    const { scroll, follow, wrap, search } = this.#parts;
    scroll.addEventListener("scroll", () => this.#scrolled());
    follow.addEventListener("click", () => this.follow(!this.#following));
    wrap.addEventListener("click", () => this.#wrap(wrap.getAttribute("aria-pressed") !== "true"));
    search.addEventListener("input", () => this.#search());
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#step(event.shiftKey ? -1 : 1);
    });
    this.#parts.rows.addEventListener("click", (event) => this.#clicked(event));
    const watch = new ResizeObserver(() => this.#resized());
    watch.observe(scroll);
    this.#cleanUps.push(() => watch.disconnect());
    this.#cleanUps.push(onKey("f", () => this.follow(!this.#following)));
    this.#cleanUps.push(onKey("/", () => (search.focus(), search.select())));
    if (matchMedia("(max-width: 640px)").matches) wrap.setAttribute("aria-pressed", "true");
  }

  get node() {
    return this.#parts.node;
  }

  stop() {
    for (const cleanUp of this.#cleanUps) cleanUp();
  }

  append(stream, data) {
    this.store.bytesOf[stream] += new Blob([data]).size;
    this.#grew(this.store.append(stream, data));
  }

  gap(gap) {
    this.#grew(this.store.gap(gap));
  }

  /** `live`: more may come. Otherwise there is nothing to follow. */
  setLive(isLive, words) {
    show(this.#parts.follow, isLive);
    setText(this.#parts.state, words);
    if (!isLive) this.#following = false;
    this.#schedule();
  }

  /** Goes to the line that the address names. */
  openLine(number) {
    this.#marked = number;
    const index = this.store.indexOfNumber(number);
    if (index === -1) return;
    this.#following = false;
    this.#flush();
    this.#showRow(this.#rows.rowOfLine(index));
    this.#paint();
  }

  follow(on) {
    this.#following = on && !this.#parts.follow.hidden;
    if (this.#following) this.#unseen = 0;
    this.#schedule();
  }

  showEnd() {
    this.#flush();
    this.#showEnd();
    this.#schedule();
  }

  #grew(from) {
    if (!this.#following) this.#unseen += this.store.length - Math.max(from, 0);
    this.#changedFrom = Math.min(this.#changedFrom, from);
    this.#schedule();
  }

  #schedule() {
    if (this.#painting) return;
    this.#painting = true;
    requestAnimationFrame(() => {
      this.#painting = false;
      this.#flush();
      if (this.#following) this.#showEnd();
      this.#paint();
    });
  }

  #flush() {
    if (this.#changedFrom === Infinity) return;
    const from = this.#changedFrom;
    this.#changedFrom = Infinity;
    this.#rows.changed(from);
    const { search } = this.#parts;
    if (search.value !== "") {
      this.#hits = this.#hits.filter(({ index }) => index < from);
      this.#hits.push(...findAll(this.store.lines, search.value, from));
    }
  }

  get #fullHeight() {
    return Math.min(maxHeight, this.#rows.count * rowHeight);
  }

  /** The row at the top, from where the bar is: row by row, or in proportion when there are too many. */
  #topRow() {
    const { scroll } = this.#parts;
    if (this.#rows.count * rowHeight <= maxHeight) return Math.floor(scroll.scrollTop / rowHeight);
    const most = Math.max(1, this.#fullHeight - scroll.clientHeight);
    const rows = this.#rows.count - Math.floor(scroll.clientHeight / rowHeight);
    return Math.floor((scroll.scrollTop / most) * rows);
  }

  #showRow(row) {
    const { scroll, sizer } = this.#parts;
    sizer.style.height = `${this.#fullHeight}px`;
    const visible = scroll.clientHeight / rowHeight;
    const top = Math.max(0, row - visible / 3);
    const most = Math.max(1, this.#fullHeight - scroll.clientHeight);
    const exact = this.#rows.count * rowHeight <= maxHeight;
    this.#scrollTo(exact ? top * rowHeight : (top / Math.max(1, this.#rows.count - visible)) * most);
  }

  #showEnd() {
    const { scroll, sizer } = this.#parts;
    sizer.style.height = `${this.#fullHeight}px`;
    this.#scrollTo(scroll.scrollHeight - scroll.clientHeight);
  }

  #scrollTo(top) {
    const { scroll } = this.#parts;
    scroll.scrollTop = top;
    this.#ownScroll = scroll.scrollTop;
  }

  #scrolled() {
    const { scroll, follow } = this.#parts;
    const atEnd = scroll.scrollTop + scroll.clientHeight >= scroll.scrollHeight - rowHeight;
    if (scroll.scrollTop < this.#ownScroll - 2 && !atEnd) this.#following = false;
    else if (atEnd && !follow.hidden && !this.#following) this.follow(true);
    this.#ownScroll = scroll.scrollTop;
    this.#schedule();
  }

  #paint() {
    const { scroll, sizer, rows, follow, size } = this.#parts;
    sizer.style.height = `${this.#fullHeight}px`;
    scroll.style.height = `${this.#fullHeight + 18}px`;
    const top = Math.max(0, this.#topRow() - spareRows);
    const shown = Math.ceil(scroll.clientHeight / rowHeight) + 2 * spareRows;
    const end = Math.min(this.#rows.count, top + shown);
    const exact = this.#rows.count * rowHeight <= maxHeight;
    const offset = exact
      ? top * rowHeight
      : scroll.scrollTop - Math.min(spareRows, this.#topRow()) * rowHeight;
    const bottom = Math.max(0, this.#fullHeight - (end - top) * rowHeight);
    rows.style.transform = `translateY(${Math.min(Math.max(0, offset), bottom)}px)`;
    const made = [];
    for (let row = top; row < end; row += 1) made.push(this.#row(this.#rows.at(row)));
    rows.replaceChildren(...made);
    const paused = this.#unseen > 0 ? `Follow (paused, ${count(this.#unseen)} new)` : "Follow (paused)";
    setText(follow, this.#following ? "Following" : paused);
    follow.setAttribute("aria-pressed", String(this.#following));
    const { out, err } = this.store.bytesOf;
    setText(size, `${count(this.store.length)} lines · out ${bytes(out)} · err ${bytes(err)}`);
    this.#sayHits();
  }

  #row({ line, index, from, to, first }) {
    const { kind, stream, number, text } = line;
    const name = number !== undefined && first ? String(number) : "";
    const link =
      name === ""
        ? h("span", { class: "ln" })
        : h(
            "a",
            {
              class: "ln",
              href: `#L${name}`,
              "data-line": name,
              tabindex: "-1",
              "aria-label": `Line ${name}`,
            },
            name,
          );
    const marked = this.#marked !== undefined && number === this.#marked ? " marked" : "";
    return h(
      "div",
      { class: `lr ${stream}${kind === "gap" ? " gap" : ""}${marked}` },
      link,
      h("span", { class: "lt" }, ...this.#withHits(text, index, from, to)),
      stream === "err" && first && kind !== "gap" ? h("span", { class: "ls" }, "stderr") : null,
    );
  }

  #withHits(text, index, from, to) {
    const wanted = this.#parts.search.value;
    const whole = text.slice(from, to);
    if (wanted === "") return [whole];
    const current = this.#hits[this.#hit];
    const pieces = [];
    let at = 0;
    for (const hit of findAll([{ text: whole }], wanted)) {
      const own = current?.index === index && current.at === hit.at + from;
      pieces.push(
        whole.slice(at, hit.at),
        h("mark", { class: own ? "current" : undefined }, whole.slice(hit.at, hit.at + wanted.length)),
      );
      at = hit.at + wanted.length;
    }
    return [...pieces, whole.slice(at)];
  }

  #search() {
    this.#hits = findAll(this.store.lines, this.#parts.search.value);
    this.#hit = -1;
    if (this.#hits.length > 0) this.#step(1);
    else this.#schedule();
  }

  #step(by) {
    if (this.#hits.length === 0) return;
    this.#hit = (this.#hit + by + this.#hits.length) % this.#hits.length;
    this.#following = false;
    this.#showRow(this.#rows.rowOfLine(this.#hits[this.#hit].index));
    this.#schedule();
  }

  #sayHits() {
    const { search, hits } = this.#parts;
    if (search.value === "") return setText(hits, "");
    const all = this.#hits.length;
    setText(hits, all === 0 ? "not found" : `${count(this.#hit + 1)} of ${count(all)}`);
  }

  #clicked(event) {
    const number = event.target.closest?.("[data-line]")?.dataset.line;
    if (number === undefined) return;
    event.preventDefault();
    this.#marked = Number(number);
    history.replaceState(null, "", `${location.pathname}${location.search}#L${number}`);
    this.#schedule();
  }

  #wrap(on) {
    this.#parts.wrap.setAttribute("aria-pressed", String(on));
    this.#resized();
  }

  #resized() {
    const { wrap, scroll, rows, probe } = this.#parts;
    const on = wrap.getAttribute("aria-pressed") === "true";
    rows.classList.toggle("wrapped", on);
    const columns = on
      ? Math.max(20, Math.floor((scroll.clientWidth - besideText()) / (probe.offsetWidth / 50)))
      : Infinity;
    if (columns !== this.#rows.columns) {
      const line =
        this.#rows.count === 0 ? 0 : this.#rows.at(Math.min(this.#topRow(), this.#rows.count - 1)).index;
      this.#rows.columns = columns;
      this.#rows.changed(0);
      if (!this.#following) this.#showRow(this.#rows.rowOfLine(line));
    }
    this.#schedule();
  }
}

/** Line numbers and the word `stderr`, pixels. */
function besideText() {
  return matchMedia("(max-width: 640px)").matches ? 64 : 168;
}

function buildParts(downloads) {
  const button = (label, pressed) => h("button", { type: "button", "aria-pressed": String(pressed) }, label);
  const rows = h("div", { class: "log-rows" });
  const sizer = h("div", { class: "log-sizer" }, rows);
  const probe = h("span", { class: "log-probe", "aria-hidden": "true" }, "M".repeat(50));
  const parts = {
    ...{ rows, sizer, probe },
    scroll: h(
      "div",
      { class: "log-scroll", tabindex: "0", role: "region", "aria-label": "Output of the job" },
      sizer,
    ),
    follow: button("Following", true),
    wrap: button("Wrap", false),
    search: h("input", {
      type: "search",
      "aria-label": "Search in the log",
      placeholder: "search",
      autocomplete: "off",
      spellcheck: "false",
    }),
    hits: h("span", { class: "hits", role: "status" }),
    size: h("span", { class: "faint" }),
    state: h("span", { class: "faint" }),
  };
  parts.node = h(
    "section",
    { class: "log", "aria-labelledby": "log-title" },
    h(
      "div",
      { class: "log-head" },
      h("h2", { id: "log-title" }, "Log"),
      ...[parts.size, parts.state, h("span", { class: "grow" })],
      ...[parts.search, parts.hits, parts.follow, parts.wrap],
      ...downloads,
    ),
    parts.scroll,
    probe,
  );
  return parts;
}
