/** Plots, drawn as SVG at the width they have. What a plot shows is also said in words, and under the pointer in numbers. */
import { h, setText, svg } from "./dom.js";
import { timeOfDay } from "./format.js";

const height = 96;
const bottom = 18;

/**
 * `series`: `[{ name, className, kind: "bar" | "line", values: [number | null] }]`, bars stacked. `times`: ms of each value.
 * `say(at)`: the words for one moment; `summary`: for all of it.
 */
export function plot({ title, unit }) {
  const readout = h("span", { class: "readout" });
  const drawing = svg("svg", { class: "plot", role: "img", height, width: "100%" });
  const figure = h(
    "figure",
    { class: "plot-box" },
    h("figcaption", {}, h("span", { class: "plot-title" }, title), " ", readout),
    drawing,
  );
  let data;
  const draw = () => {
    if (data !== undefined && drawing.clientWidth > 0) paint(drawing, data, unit);
  };
  new ResizeObserver(draw).observe(drawing);
  drawing.addEventListener("pointermove", (event) => {
    if (data === undefined || data.times.length === 0) return;
    const box = drawing.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const at = Math.min(data.times.length - 1, Math.max(0, Math.floor(share * data.times.length)));
    setText(readout, `${timeOfDay(data.times[at]).slice(0, 5)} ${data.say(at)}`);
    drawing.querySelector(".cursor")?.setAttribute("x", String((at / data.times.length) * box.width));
    drawing.classList.add("pointed");
  });
  drawing.addEventListener("pointerleave", () => {
    drawing.classList.remove("pointed");
    setText(readout, data?.summary ?? "");
  });
  return {
    node: figure,
    update: (next) => {
      data = next;
      drawing.setAttribute("aria-label", `${title}: ${next.summary}`);
      if (!drawing.classList.contains("pointed")) setText(readout, next.summary);
      draw();
    },
  };
}

function paint(drawing, { series, times }, unit) {
  const width = drawing.clientWidth;
  if (times.length === 0) return drawing.replaceChildren();
  const tops = times.map((_, at) => topAt(series, at));
  const most = Math.max(...tops, 0);
  const top = niceTop(most);
  const y = (value) => height - bottom - (value / top) * (height - bottom - 12);
  const step = width / times.length;
  const shapes = [
    svg("line", { class: "axis", x1: 0, x2: width, y1: y(0), y2: y(0) }),
    svg("line", { class: "axis faint-line", x1: 0, x2: width, y1: y(top), y2: y(top) }),
    svg("text", { class: "tick", x: 0, y: y(top) - 3 }, most === 0 ? "" : unit(top)),
    ...timeTicks(times, width),
    svg("rect", { class: "cursor", x: 0, y: 8, width: step, height: height - bottom - 8 }),
    ...bars(series, step, y),
    ...series.filter(({ kind }) => kind === "line").map((one) => line(one, step, y)),
  ];
  drawing.replaceChildren(...shapes);
}

function topAt(series, at) {
  const stacked = series
    .filter(({ kind }) => kind === "bar")
    .reduce((sum, { values }) => sum + (values[at] ?? 0), 0);
  return Math.max(
    stacked,
    ...series.filter(({ kind }) => kind === "line").map(({ values }) => values[at] ?? 0),
  );
}

/** The next of 1, 2, 5, 10, 20, … */
function niceTop(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most) ?? most;
}

function timeTicks(times, width) {
  const every = Math.ceil(times.length / (width > 420 ? 4 : 2));
  return times
    .map((ms, at) => ({ ms, at }))
    .filter(({ at }) => at % every === 0)
    .map(({ ms, at }) =>
      svg(
        "text",
        { class: "tick", x: (at / times.length) * width, y: height - 4 },
        timeOfDay(ms).slice(0, 5),
      ),
    );
}

function bars(series, step, y) {
  const stacked = series.filter(({ kind }) => kind === "bar");
  const floor = (stacked[0]?.values ?? []).map(() => 0);
  const gap = step > 4 ? 1 : 0;
  return stacked.flatMap(({ values, className }) =>
    values.flatMap((value, at) => {
      if (!value) return [];
      const from = floor[at];
      floor[at] += value;
      const [high, low] = [y(from + value), y(from)];
      return [
        svg("rect", {
          class: className,
          x: at * step,
          y: high,
          width: step - gap,
          height: Math.max(1, low - high),
        }),
      ];
    }),
  );
}

/** Where nothing was measured there is no line; a lone value is a dot. */
function line({ values, className }, step, y) {
  let path = "";
  let pen = false;
  values.forEach((value, at) => {
    if (value === null || value === undefined) {
      pen = false;
      return;
    }
    const [px, py] = [((at + 0.5) * step).toFixed(1), y(value).toFixed(1)];
    const lone = (values[at + 1] ?? null) === null;
    path += pen ? `L${px} ${py}` : `M${px} ${py}h${lone ? Math.max(3, step) : 0.01}`;
    pen = true;
  });
  return svg("path", { class: className, d: path });
}

/** A curve without words, beside a number. */
export function sparkline(values, className) {
  const [width, tall] = [96, 20];
  const most = Math.max(...values, 1);
  const step = width / Math.max(1, values.length);
  const shapes = values.map((value, at) => {
    const size = value === 0 ? 0 : Math.max(1, (value / most) * tall);
    return svg("rect", {
      class: className,
      x: at * step,
      y: tall - size,
      width: Math.max(0.5, step - 0.3),
      height: size,
    });
  });
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${width} ${tall}`, width, height: tall, "aria-hidden": "true" },
    ...shapes,
  );
}
