/** What the changes would have done to the last recorded minutes. */

import { api } from "./api.js";
import { fill, h, setText } from "./dom.js";
import { eventName } from "./words.js";

const POLL_EVERY_MS = 300;
const MINUTES = [10, 30, 60];

export class PreviewPanel {
  #changes;
  #id = null;
  #timer = 0;

  /** @param {() => Record<string, any>} changes What is to be judged. */
  constructor(changes) {
    this.#changes = changes;
    this.minutes = h("select", { id: "preview-minutes" }, MINUTES.map((n) => h("option", { value: String(n), selected: n === 30 }, `${n} min`)));
    this.start = h("button", { type: "button", id: "preview", disabled: true, on: { click: () => this.#begin() } }, "Preview");
    this.message = h("p", { class: "preview-message", role: "status" });
    this.result = h("div");
    this.element = h("div", { class: "preview" },
      h("div", { class: "actions" }, this.start, h("label", { class: "note", htmlFor: "preview-minutes" }, "on the last"), this.minutes),
      this.message, this.result);
  }

  /** The changes are others now: what was shown holds no more. */
  changed() {
    this.#stop();
    setText(this.message, "");
    fill(this.result);
  }

  allow(isAllowed) {
    this.start.disabled = !isAllowed;
  }

  leave() {
    this.#stop();
  }

  #stop() {
    clearTimeout(this.#timer);
    if (this.#id !== null) api.cancelPreview(this.#id).catch(() => {}); // it may have ended
    this.#id = null;
  }

  async #begin() {
    this.changed();
    setText(this.message, "Calls of the last minutes go through both settings …");
    try {
      const { id } = await api.startPreview(this.#changes(), Number(this.minutes.value));
      this.#id = id;
      await this.#poll(id);
    } catch (error) {
      setText(this.message, error.problems?.[0]?.rule ?? error.message);
    }
  }

  async #poll(id) {
    const answer = await api.preview(id);
    if (this.#id !== id) return; // other changes meanwhile
    if (answer.state === "running") {
      this.#timer = setTimeout(() => this.#poll(id).catch((error) => setText(this.message, error.message)), POLL_EVERY_MS);
      return;
    }
    this.#id = null;
    this.#tell(answer);
  }

  #tell({ state, message, result }) {
    const isDone = state === "done" && result;
    setText(this.message, isDone ? `With this setting, ${message}.` : message);
    if (!isDone) return;
    const span = `${result.calls} calls, ${result.minutes.toFixed(1)} minutes; ${result.frames_differ} of ${result.frames} frames differ.`;
    fill(this.result, h("p", { class: "note" }, span), result.calls_differ.map(callItem));
  }
}

function callItem({ recording, decisions, differ, differences }) {
  const rows = differences.map(({ t_s: seconds, before, after }) => h("tr", {},
    h("td", { class: "number" }, `${seconds.toFixed(1)} s`),
    h("td", {}, before ? eventName(before) : "nothing"),
    h("td", {}, after ? eventName(after) : "nothing")));
  const heads = ["At", "As it is", "With the change"].map((name, n) => h("th", { scope: "col", class: n === 0 ? "number" : "" }, name));
  return h("details", { class: "differs" },
    h("summary", {}, `${recording}: ${differ} of ${decisions}`),
    h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": `Differences in ${recording}` },
      h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows))),
    h("p", { class: "note" }, h("a", { href: api.reportUrl(recording), target: "_blank", rel: "noopener" }, "Report of this call")));
}
