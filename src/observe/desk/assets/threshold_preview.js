/** What the changes would have done to the last recorded minutes. */

import { api } from "./api.js";
import { dateAndTime, fill, h, plural, setText } from "./dom.js";
import { eventName, reasonSentence } from "./words.js";

const POLL_EVERY_MS = 300;
const MINUTES = [10, 30, 60];

export class PreviewPanel {
  #changes;
  #id = null;
  #timer = 0;
  #turn = 0; // which of the previews is shown; those before it are over

  /** @param {() => Record<string, any>} changes What is to be judged. */
  constructor(changes) {
    this.#changes = changes;
    this.minutes = h(
      "select",
      { id: "preview-minutes" },
      MINUTES.map((n) => h("option", { value: String(n), selected: n === 30 }, `${n} min`)),
    );
    this.start = h(
      "button",
      { type: "button", id: "preview", disabled: true, on: { click: () => this.#begin() } },
      "Preview",
    );
    this.message = h("p", { class: "preview-message", role: "status" });
    this.result = h("div");
    this.element = h(
      "div",
      { class: "preview" },
      h(
        "div",
        { class: "actions" },
        this.start,
        h("label", { class: "note", htmlFor: "preview-minutes" }, "on the last"),
        this.minutes,
      ),
      this.message,
      this.result,
    );
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
    this.#turn++;
    if (this.#id !== null) api.cancelPreview(this.#id).catch(() => {}); // it may have ended
    this.#id = null;
  }

  async #begin() {
    this.changed();
    setText(this.message, "Calls of the last minutes go through both settings …");
    const turn = this.#turn;
    try {
      const { id } = await api.startPreview(this.#changes(), Number(this.minutes.value));
      if (this.#turn !== turn) api.cancelPreview(id).catch(() => {}); // other changes meanwhile
      else await this.#poll((this.#id = id), turn);
    } catch (error) {
      this.#fail(error, turn);
    }
  }

  async #poll(id, turn) {
    const answer = await api.preview(id);
    if (this.#turn !== turn) return;
    if (answer.state === "running") {
      const again = () => this.#poll(id, turn).catch((error) => this.#fail(error, turn));
      this.#timer = setTimeout(again, POLL_EVERY_MS);
      return;
    }
    this.#id = null;
    this.#tell(answer);
  }

  #fail(error, turn) {
    if (this.#turn === turn) setText(this.message, capital(error.problems?.[0]?.rule ?? error.message));
  }

  #tell({ state, message, result }) {
    setText(this.message, message && capital(message));
    if (state !== "done" || !result) return;
    const { minutes, frames, frames_differ: differ } = result;
    const calls = plural(result.calls, "call");
    const span = `${calls}, ${minutes.toFixed(1)} minutes; ${differ} of ${frames} frames differ.`;
    const skipped =
      result.skipped > 0 &&
      h("p", { class: "note" }, `${plural(result.skipped, "call")} could not be judged.`);
    const note = result.note && h("p", { class: "note small-print" }, capital(result.note));
    fill(
      this.result,
      h("p", { class: "note" }, span),
      skipped,
      result.calls_differ.map(callItem),
      note,
    );
  }
}

function capital(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return whole.endsWith(".") ? whole : `${whole}.`;
}

function callItem({ call_id: callId, started_at: startedAt, decisions, differ, differences }) {
  const rows = differences.map(({ t_s: seconds, type, reason, change }) =>
    h(
      "tr",
      {},
      h("td", { class: "number" }, `${seconds.toFixed(1)} s`),
      h(
        "td",
        {},
        h("span", { class: "chip", data: { kind: change === "gone" ? "warn" : "good" } }, change),
      ),
      h("td", {}, eventName(type), h("p", { class: "note" }, reasonSentence(reason))),
    ),
  );
  const heads = ["At", "Is", "Decision"].map((name, n) =>
    h("th", { scope: "col", class: n === 0 ? "number" : "" }, name),
  );
  const began = dateAndTime(startedAt);
  return h(
    "details",
    { class: "differs" },
    h("summary", {}, `${began}: ${differ} of ${decisions} differ`),
    h(
      "div",
      {
        class: "table-scroll",
        tabindex: "0",
        role: "region",
        "aria-label": `Differences in the call ${callId} of ${began}`,
      },
      h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)),
    ),
  );
}
