/** What was applied before, and the way back. */

import { api } from "./api.js";
import { announce, dateAndTime, fill, h } from "./dom.js";
import { changeText } from "./threshold_field.js";
import { confirmDialog } from "./confirm.js";

export class HistoryList {
  /** @param {{nameOf: (key: string) => any, onUndo: () => void}} form */
  constructor({ nameOf, onUndo }) {
    this.nameOf = nameOf;
    this.onUndo = onUndo;
    this.head = h("h2", { id: "history-head", tabIndex: -1 }, "History");
    this.list = h("ol", { class: "history" });
    this.none = h("p", { class: "note" }, "Nothing has been changed since the engine began.");
    this.element = h(
      "section",
      { class: "panel", "aria-labelledby": "history-head" },
      this.head,
      this.none,
      this.list,
    );
  }

  async load() {
    try {
      const { history } = await api.history();
      this.none.hidden = history.length > 0;
      fill(
        this.list,
        history.map((change) => this.#item(change)),
      );
    } catch (error) {
      this.none.hidden = false;
      this.none.textContent = error.message;
    }
  }

  #item(change) {
    const undo =
      change.can_undo &&
      h(
        "button",
        { type: "button", class: "small", on: { click: () => this.#undo(change) } },
        "Undo",
        h("span", { class: "hidden-text" }, ` the change of ${dateAndTime(change.at)}`),
      );
    return h(
      "li",
      {},
      h(
        "div",
        { class: "head" },
        h(
          "span",
          {},
          h("time", { dateTime: change.at }, dateAndTime(change.at)),
          ` · ${change.who}`,
          change.undoes && " · undone",
        ),
        undo,
      ),
      this.#values(change),
    );
  }

  #values({ values }) {
    return h(
      "dl",
      {},
      values.map(({ key, before, after }) => {
        const field = this.nameOf(key);
        return [
          h("dt", { title: key }, field?.label ?? key),
          h("dd", {}, changeText(field, before, after)),
        ];
      }),
    );
  }

  async #undo(change) {
    const isSure = await confirmDialog({
      title: "Undo this change?",
      body: this.#values(turned(change)),
      confirm: "Undo",
    });
    if (!isSure) return;
    try {
      await api.undo(change.id);
      announce("Undone.");
      await this.onUndo();
      this.head.focus(); // the button is gone
    } catch (error) {
      announce(error.problems?.[0]?.rule ?? error.message, "bad");
    }
  }
}

function turned({ values }) {
  return {
    values: values.map(({ key, before, after }) => ({ key, before: after, after: before })),
  };
}
