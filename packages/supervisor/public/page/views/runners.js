/** Runners: every registered runner with its processes, and what an admin can do with it. */
import { call, session } from "../api.js";
import { atMost, h, reconcile } from "../dom.js";
import { count, duration } from "../format.js";
import { onLive } from "../live.js";
import { actionButton, commandBox, confirmButton, empty, problem } from "../parts.js";
import { runnerSignature, runnerState, slotsOf, startCommand } from "../runner-rows.js";

export function runnersView() {
  const list = h("div", { class: "runner-list" });
  const none = h("div", {});
  const trouble = h("div", {});
  let gone = false;
  const read = async () => {
    if (gone) return;
    try {
      const { runners } = await call("runner.list");
      if (gone) return;
      trouble.replaceChildren();
      const options = {
        key: ({ id }) => id,
        signature: runnerSignature,
        make: (runner) => runnerCard(runner, soon),
      };
      if (list.querySelector(".question") === null) reconcile(list, runners, options);
      none.replaceChildren(
        ...(runners.length > 0
          ? []
          : [empty("No runner is registered yet. This starts one:", commandBox(startCommand()))]),
      );
    } catch (error) {
      if (!gone && error?.data?.reason !== "unreachable") trouble.replaceChildren(problem(error));
    }
  };
  const soon = atMost(1000, read);
  const stop = onLive(["runner", "job", "resync"], soon);
  const timer = setInterval(soon, 5000);
  void read();
  return {
    title: "Runners",
    node: h("div", {}, h("h1", {}, "Runners"), trouble, list, none),
    leave: () => {
      gone = true;
      stop();
      clearInterval(timer);
    },
  };
}

function runnerCard(runner, changed) {
  const { slots, busy } = slotsOf(runner);
  const labels = Object.entries(runner.labels ?? {}).map(([name, value]) =>
    h("span", { class: "label" }, `${name} = ${value}`),
  );
  return h(
    "section",
    { class: `runner row${runner.alive ? "" : " is-gone"}`, "aria-label": `Runner ${runner.id}` },
    h(
      "div",
      { class: "runner-head" },
      h("h2", {}, h("a", { href: `/jobs?runner=${runner.id}`, class: "id" }, runner.id)),
      runnerState(runner),
      session.may("admin") ? h("span", { class: "runner-actions" }, ...runnerActions(runner, changed)) : null,
    ),
    runner.description === undefined ? null : h("p", {}, runner.description),
    labels.length === 0 ? null : h("p", { class: "labels" }, ...labels),
    h(
      "dl",
      { class: "facts" },
      ...fact("Slots busy", runner.alive ? `${busy} of ${slots}` : "–"),
      ...fact("Queue", count(runner.queued)),
      ...fact("Taken", count(runner.running)),
      ...fact("Dead ids", count(runner.dead)),
    ),
    runner.instances.length === 0 ? ghost(runner) : instanceTable(runner.instances),
  );
}

const fact = (name, value) => [h("div", {}, h("dt", {}, name), h("dd", {}, value))];

function ghost({ id, queued, running }) {
  const left = [
    queued > 0 ? `${count(queued)} jobs wait for it` : "",
    running > 0 ? `${count(running)} it had taken` : "",
  ];
  const kept = left.filter((one) => one !== "").join(", ");
  return h(
    "p",
    { class: "notice" },
    `No process serves this id: none was heard of in the last 15 s.${kept === "" ? "" : ` ${kept}; they stay until one does.`} `,
    h("code", {}, `herorunner -r REDIS_URL ${id}`),
    " starts one.",
  );
}

function instanceTable(instances) {
  const columns = ["Host", "pid", "Version", "Slots busy", "Last poll", "Isolation", "Signatures"];
  return h(
    "div",
    { class: "scroll-x" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)))),
      h(
        "tbody",
        {},
        ...instances.map((one) =>
          h(
            "tr",
            {},
            h("td", {}, one.host),
            h("td", {}, String(one.pid)),
            h("td", {}, one.version),
            h("td", {}, `${one.busy} of ${one.slots}`),
            h("td", {}, one.last_poll_ms === undefined ? "–" : `${duration(one.last_poll_ms)} ago`),
            h("td", {}, one.isolation),
            h("td", {}, one.signatures),
          ),
        ),
      ),
    ),
  );
}

function runnerActions(runner, changed) {
  const { id, paused } = runner;
  const pause = paused
    ? actionButton("Resume", {
        run: () => call("runner.resume", { id }).then(() => (changed(), "It takes jobs again.")),
      })
    : actionButton("Pause", {
        run: () => call("runner.pause", { id }).then(() => (changed(), "It finishes what it has.")),
      });
  const ping = actionButton("Ping", {
    run: async () => {
      const { alive, round_trip_ms: ms } = await call("runner.ping", { id });
      return alive ? `Answered in ${ms} ms.` : "No answer within 2 s.";
    },
  });
  const remove = confirmButton("Remove", {
    question: `Take ${id} off the list?`,
    yes: "Yes, remove it",
    busy: "Removing …",
    run: () => call("runner.remove", { id }).then(() => (changed(), "Removed.")),
  });
  return [ping, pause, remove];
}
