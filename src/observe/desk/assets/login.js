/** Asks for the operator's token, where the desk has one. */

import { api } from "./api.js";
import { fill, h } from "./dom.js";

/** Put the form into an element; `then` is called once the token was right. */
export function mountLogin(root, then) {
  const input = h("input", {
    id: "token",
    type: "password",
    autocomplete: "current-password",
    required: true,
    "aria-describedby": "token-problem",
  });
  const problem = h("p", { id: "token-problem", class: "problem", role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await api.login(input.value);
      then();
    } catch (error) {
      problem.textContent = error.message;
      input.setAttribute("aria-invalid", "true");
      input.select();
    }
  };
  const form = h(
    "form",
    { class: "panel login", on: { submit } },
    h("h1", {}, "Log in"),
    h(
      "p",
      { class: "note" },
      "The token is in the environment variable that desk.token_env names.",
    ),
    h("label", { htmlFor: "token" }, "Token"),
    input,
    problem,
    h("button", { class: "primary" }, "Log in"),
  );
  fill(root, form);
  input.focus();
}
