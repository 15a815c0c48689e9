/** Signing in: a key is exchanged for a session. The key is kept nowhere on the page. */
import { signIn } from "../api.js";
import { h, setText } from "../dom.js";
import { sentenceOf } from "../parts.js";

export function signInView({ sentence, onSignedIn }) {
  const field = h("input", {
    ...{ id: "key", type: "password", name: "key", autocomplete: "current-password", required: true },
    ...{ spellcheck: "false", autocapitalize: "none", "aria-describedby": "key-help" },
  });
  const answer = h("p", { class: "answer", role: "alert" }, sentence ?? "");
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");
  const form = h("form", {}, h("label", { for: "key" }, "API key or admin secret"), field, button, answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    setText(button, "Signing in …");
    try {
      const principal = await signIn(field.value.trim());
      field.value = "";
      onSignedIn(principal);
    } catch (error) {
      answer.classList.add("bad");
      setText(answer, sentenceOf(error));
      field.select();
    } finally {
      button.disabled = false;
      setText(button, "Sign in");
    }
  });
  return h(
    "section",
    { class: "sign-in" },
    h("h1", {}, "Sign in"),
    form,
    h(
      "p",
      { id: "key-help", class: "faint" },
      "Whoever runs this supervisor has the admin secret, and can make keys for others with ",
      h("code", {}, "key.create"),
      ". Without --admin-secret, one is made up at each start and stands in the supervisor's log.",
    ),
  );
}
