/** Submit: a runner, a script that is checked while one writes, variables and a timeout. */
import { call, session } from "../api.js";
import { h, setText } from "../dom.js";
import { scriptEditor } from "../editor.js";
import { jobAddress, problem, sentenceOf } from "../parts.js";

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

const idField = { autocomplete: "off", spellcheck: "false", maxlength: 128, pattern: "[A-Za-z0-9._\\-]+" };

export function submitView({ query, go }) {
  if (!session.may("jobs:write")) {
    return { title: "Submit", node: problem(new Error("This key may look at jobs, but not submit any.")) };
  }
  const fields = {
    runner: h("input", {
      id: "runner",
      required: true,
      list: "runner-names",
      value: query.get("runner") ?? "",
      ...idField,
    }),
    timeout: h("input", { id: "timeout", type: "number", min: 1, max: 604_800, step: 1, placeholder: "60" }),
    caller: h("input", { id: "caller", ...idField }),
    variables: h("div", { class: "variables" }),
  };
  const names = h("datalist", { id: "runner-names" });
  const runnerNote = h("span", { class: "faint", role: "status" });
  const button = h("button", { type: "submit", class: "primary" }, "Run it");
  const answer = h("div", { role: "alert" });
  const draft = { errors: 0, sureOf: undefined };
  const editor = scriptEditor({
    id: "script",
    onChange: (diagnostics) => {
      draft.errors = diagnostics.filter(({ severity }) => severity === "error").length;
      setText(button, buttonWords(draft.errors));
    },
  });
  const form = formOf({ fields, names, runnerNote, editor, button, answer });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send({ fields, editor, button, answer, draft, go });
  });
  void fillRunners({ runner: fields.runner, names, runnerNote });
  return { title: "Submit", node: h("div", {}, h("h1", {}, "Submit a job"), form) };
}

function buttonWords(errors) {
  return errors === 0 ? "Run it" : `Run it despite ${errors} ${errors === 1 ? "problem" : "problems"}`;
}

function formOf({ fields, names, runnerNote, editor, button, answer }) {
  const { runner, timeout, caller, variables } = fields;
  const more = h("button", { type: "button", onclick: () => addVariable(variables) }, "Add a variable");
  return h(
    "form",
    { class: "submit" },
    field("runner", "Runner", runner, names, runnerNote),
    h("div", { class: "field" }, h("label", { for: "script" }, "Script"), editor.node),
    h("fieldset", {}, h("legend", {}, "Variables"), variables, more),
    h(
      "div",
      { class: "field-row" },
      field("timeout", "Timeout, seconds", timeout),
      field("caller", "Caller", caller),
    ),
    h("div", { class: "actions" }, button),
    answer,
  );
}

async function send({ fields, editor, button, answer, draft, go }) {
  await editor.check();
  const payload = editor.text();
  answer.className = "notice";
  if (draft.errors > 0 && draft.sureOf !== payload) {
    draft.sureOf = payload;
    setText(
      answer,
      "The hero of that runner may see this differently. Press once more to send the script as it is.",
    );
    return;
  }
  button.disabled = true;
  setText(button, "Submitting …");
  try {
    const job = await call("job.run", requestOf({ ...fields, payload }));
    go(jobAddress(job));
  } catch (error) {
    setText(answer, sentenceOf(error));
    answer.className = "notice bad";
  } finally {
    button.disabled = false;
    setText(button, buttonWords(draft.errors));
  }
}

function field(id, label, ...content) {
  return h("div", { class: "field" }, h("label", { for: id }, label), ...content);
}

function addVariable(place) {
  const row = h("div", { class: "variable" });
  const name = h("input", {
    "aria-label": "Name of the variable",
    placeholder: "NAME",
    class: "env-name",
    autocomplete: "off",
    spellcheck: "false",
  });
  const value = h("input", {
    "aria-label": "Value of the variable",
    placeholder: "value",
    class: "env-value",
    autocomplete: "off",
    spellcheck: "false",
  });
  row.append(name, "=", value, h("button", { type: "button", onclick: () => row.remove() }, "Remove"));
  place.append(row);
  name.focus();
}

function requestOf({ runner, timeout, caller, variables, payload }) {
  const pairs = [...variables.children].map((row) => [
    row.querySelector(".env-name").value.trim(),
    row.querySelector(".env-value").value,
  ]);
  const named = pairs.filter(([name]) => name !== "");
  const bad = named.find(([name]) => !namePattern.test(name));
  if (bad !== undefined)
    throw new Error(`${bad[0]} is not a name for a variable: letters, digits and _ only.`);
  return {
    runner: runner.value.trim(),
    payload,
    ...(timeout.value === "" ? {} : { timeout: Number(timeout.value) }),
    ...(caller.value === "" ? {} : { caller_id: caller.value.trim() }),
    ...(named.length === 0 ? {} : { env_vars: Object.fromEntries(named) }),
  };
}

async function fillRunners({ runner, names, runnerNote }) {
  const { runners } = await call("runner.list").catch(() => ({ runners: [] }));
  const known = [...runners].sort((a, b) => Number(b.alive) - Number(a.alive));
  names.replaceChildren(...known.map(({ id }) => h("option", { value: id })));
  if (runner.value === "" && known[0] !== undefined) runner.value = known[0].id;
  const tell = () => {
    const chosen = known.find(({ id }) => id === runner.value.trim());
    const state =
      chosen === undefined
        ? ""
        : chosen.alive
          ? chosen.paused
            ? "It is paused: the job will wait."
            : ""
          : "No process serves it now: the job will wait.";
    setText(runnerNote, state);
  };
  runner.addEventListener("input", tell);
  tell();
}
