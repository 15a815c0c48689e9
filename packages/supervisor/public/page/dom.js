/**
 * Builds and updates elements. Whatever is given as a child becomes a text node or is an element already: nothing here,
 * and nothing elsewhere on the page, turns text into markup.
 */

const svgNamespace = "http://www.w3.org/2000/svg";

/** `h("a", { href, class: "x", onclick }, "text", node, null, [more])` */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat(3).filter((child) => child !== undefined && child !== null && child !== false),
  );
  return element;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, visible) {
  element.hidden = !visible;
}

/**
 * Makes the children of `parent` those of `items`, in order: a child whose `signature` did not change stays as it is, so that
 * focus and selection survive an update.
 */
export function reconcile(parent, items, { key, signature = JSON.stringify, make }) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const hadRows = before.size > 0;
  const focused = parent.contains(document.activeElement)
    ? document.activeElement.closest("[data-key]")?.dataset.key
    : undefined;
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const look = signature(item);
    let child = before.get(name);
    before.delete(name);
    if (child === undefined || child.dataset.look !== look) {
      const made = make(item);
      made.dataset.key = name;
      made.dataset.look = look;
      if (child === undefined && hadRows) made.classList.add("new");
      if (child?.classList.contains("picked")) made.classList.add("picked");
      if (child === place) place = child?.nextElementSibling ?? null;
      child?.remove();
      child = made;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    if (name === focused && !child.contains(document.activeElement)) {
      (child.querySelector("a, button") ?? child).focus({ preventScroll: true });
    }
  }
  for (const child of before.values()) child.remove();
}

/** What changed, for those who listen to the page. */
export function say(text) {
  const place = document.getElementById("said");
  if (place !== null) place.textContent = text;
}

/** How many times as long as it took there is a rest. */
const restFactor = 5;

/**
 * Calls `run` at most once in `everyMs`, and less often where it is slow; whoever asks meanwhile is heard afterwards. `run` may
 * answer a promise.
 */
export function atMost(everyMs, run) {
  let timer;
  let running = false;
  let wanted = false;
  let restUntilMs = -Infinity;
  const ask = () => {
    if (running) wanted = true;
    else timer ??= setTimeout(() => void start(), Math.max(0, restUntilMs - performance.now()));
  };
  const start = async () => {
    timer = undefined;
    running = true;
    const startMs = performance.now();
    try {
      await run();
    } finally {
      const endMs = performance.now();
      restUntilMs = Math.max(startMs + everyMs, endMs + restFactor * (endMs - startMs));
      running = false;
      if (wanted) ask();
      wanted = false;
    }
  };
  return ask;
}
