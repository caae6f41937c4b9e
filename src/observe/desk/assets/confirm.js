/** Asks before something happens that others notice. */

import { h } from "./dom.js";

/**
 * @param {{
 *   title: string, text?: string, body?: Node, confirm: string, isDanger?: boolean
 * }} question
 * @returns {Promise<boolean>} Whether it was confirmed; escape is no.
 */
export function confirmDialog({ title, text, body, confirm, isDanger = false }) {
  return new Promise((resolve) => {
    const close = (value) => () => dialog.close(value);
    const yes = h(
      "button",
      { type: "button", class: isDanger ? "danger" : "primary", on: { click: close("yes") } },
      confirm,
    );
    const no = h("button", { type: "button", on: { click: close("no") } }, "Cancel");
    const dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "dialog-title" },
      h("h2", { id: "dialog-title" }, title),
      text && h("p", {}, text),
      body,
      h("div", { class: "actions" }, no, yes),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    (isDanger ? no : yes).focus();
  });
}
