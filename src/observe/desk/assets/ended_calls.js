/** Calls that are over, as a table. */

import { clock, h, lately } from "./dom.js";
import { shortId } from "./call_row.js";
import { plain } from "./words.js";

const REASONS = {
  caller_hangup: "caller hung up",
  local_hangup: "hung up here",
  agent_hangup: "agent hung up",
  drained: "service stopped",
};

/** Why a call ended, in words. */
export function endWords(end) {
  if (!end) return "running";
  const words = REASONS[end.reason] ?? plain(end.reason);
  return end.detail ? `${words}: ${end.detail}` : words;
}

/** How many are shown. */
export const MOST_ENDED = 20;

/** @param {any[]} calls Newest first. */
export function endedTable(calls) {
  const heads = [
    "Call",
    "Began",
    "Line",
    "Provider",
    "Duration",
    "Interrupted",
    "Unconfirmed",
    "End",
  ];
  const numbers = new Set(["Duration", "Interrupted", "Unconfirmed"]);
  const head = heads.map((name) =>
    h("th", { scope: "col", class: numbers.has(name) ? "number" : "" }, name),
  );
  const rows = calls.slice(0, MOST_ENDED).map((call) => {
    const counters = call.end?.counters ?? {};
    return h(
      "tr",
      {},
      h(
        "td",
        {},
        h(
          "a",
          { href: `#/calls/${encodeURIComponent(call.call_id)}`, title: call.call_id },
          shortId(call.call_id),
        ),
      ),
      h("td", {}, lately(call.started_at)),
      h("td", {}, call.line ?? "–"),
      h("td", {}, [...(call.predecessors ?? []), call.provider].join(" → ")),
      h("td", { class: "number" }, clock((call.duration_s ?? 0) * 1000)),
      h("td", { class: "number" }, counters.interruptions ?? "–"),
      h("td", { class: "number" }, counters.resumed ?? "–"),
      h("td", {}, endWords(call.end)),
    );
  });
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Ended calls" },
    h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)),
  );
}
