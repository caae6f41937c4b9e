/** Recorded calls, newest first, each with its report. */

import { api } from "./api.js";
import { dateAndTime, fill, h } from "./dom.js";

const HEADS = ["Recorded", "Call", "Holds", "Size", "Report"];
const NUMBERS = new Set(["Size"]);

function size(bytes) {
  return bytes < 1e6
    ? `${Math.max(1, Math.round(bytes / 1e3))} kB`
    : `${(bytes / 1e6).toFixed(1)} MB`;
}

function row(recording) {
  const { id, call_id: callId, started_at: at } = recording;
  const holds = [
    recording.has_audio
      ? h("span", { class: "chip", data: { kind: "good" } }, "audio")
      : h("span", { class: "chip" }, "decisions"),
    recording.is_encrypted && h("span", { class: "chip", data: { kind: "warn" } }, "encrypted"),
  ];
  const cells = [
    dateAndTime(at),
    h("span", { class: "code", title: callId }, callId),
    h("span", { class: "chips" }, holds),
    size(recording.size_bytes),
    h(
      "a",
      { href: api.reportUrl(id), target: "_blank", rel: "noopener" },
      "Open",
      h("span", { class: "hidden-text" }, ` the report of ${callId}, in a new tab`),
    ),
  ];
  return h(
    "tr",
    {},
    cells.map((cell, n) => h("td", { class: NUMBERS.has(HEADS[n]) ? "number" : "" }, cell)),
  );
}

function table(recordings) {
  const head = HEADS.map((name) =>
    h("th", { scope: "col", class: NUMBERS.has(name) ? "number" : "" }, name),
  );
  return h(
    "div",
    {
      class: "panel table-scroll",
      tabindex: "0",
      role: "region",
      "aria-label": "Recorded calls",
    },
    h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, recordings.map(row))),
  );
}

/** Put the view into an element. */
export function mountRecordings(root) {
  let isOver = false;
  const content = h("div", {}, h("p", { class: "note" }, "Looking through the folder …"));
  const load = async () => {
    try {
      const { state, message, recordings } = await api.recordings();
      if (isOver) return;
      if (recordings.length > 0)
        fill(
          content,
          state !== "ready" && message ? h("p", { class: "banner" }, message) : null,
          table(recordings),
        );
      else {
        const title =
          { off: "Calls are not recorded", unavailable: "Recordings can't be had" }[state] ??
          "No recordings yet";
        fill(content, h("div", { class: "empty" }, h("b", {}, title), message));
      }
    } catch (error) {
      if (isOver) return;
      fill(content, h("p", { class: "banner", role: "alert", data: { kind: "bad" } }, error.message));
    }
  };
  const again = h("button", { type: "button", class: "small", on: { click: load } }, "Look again");
  fill(
    root,
    h(
      "div",
      { class: "view-head" },
      h("h1", {}, "Recordings"),
      h("div", { class: "aside" }, again),
      h(
        "p",
        { class: "lead" },
        "A report shows waveforms, gate, decisions and their reasons, and plays recorded audio.",
      ),
    ),
    content,
  );
  load();
  return () => (isOver = true);
}
