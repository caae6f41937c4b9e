/** What was applied before, and the way back. */

import { api } from "./api.js";
import { announce, fill, h, lately } from "./dom.js";
import { changeText } from "./threshold_field.js";
import { confirmDialog } from "./confirm.js";

export class HistoryList {
  /** @param {{nameOf: (key: string) => any, onUndo: () => void}} form */
  constructor({ nameOf, onUndo }) {
    this.nameOf = nameOf;
    this.onUndo = onUndo;
    /** When each change was made, by its id. */
    this.times = new Map();
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
      this.times = new Map(history.map(({ id, at }) => [id, lately(at)]));
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
        h("span", { class: "hidden-text" }, ` the change of ${lately(change.at)}`),
      );
    return h(
      "li",
      { data: { id: change.id } },
      h(
        "div",
        { class: "head" },
        h(
          "span",
          {},
          h("time", { dateTime: change.at }, lately(change.at)),
          ` · ${change.who}`,
          change.undoes && ` · takes back ${this.#called(change.undoes)}`,
          change.is_taken_back && " · taken back",
        ),
        undo,
      ),
      this.#values(change),
    );
  }

  #called(changeId) {
    const time = this.times.get(changeId);
    return time ? `the change of ${time}` : "an earlier change";
  }

  #values({ values }) {
    return h(
      "dl",
      {},
      values.map(({ key, before, after }) => {
        const field = this.nameOf(key);
        return [
          h("dt", { title: key }, field?.name ?? key),
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
