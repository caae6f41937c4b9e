/** Health: whether the engine is well, and what it runs. */

import { api } from "./api.js";
import { clock, dateAndTime, fill, h, setText, update } from "./dom.js";
import { endWords } from "./ended_calls.js";
import { poll } from "./polling.js";
import { plain } from "./words.js";

const EVERY_MS = 3000;
const STATES = {
  ready: ["good", "Ready: takes calls"],
  starting: ["warn", "Starting"],
  draining: ["warn", "Draining: no more calls are taken, running ones end by themselves"],
};

const facts = (rows) =>
  h(
    "dl",
    { class: "facts" },
    rows.map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]),
  );
const panel = (title, ...content) => h("section", { class: "panel" }, h("h2", {}, title), content);

function table(label, heads, rows) {
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": label },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((cells) =>
          h(
            "tr",
            {},
            cells.map((cell) => h("td", {}, cell)),
          ),
        ),
      ),
    ),
  );
}

function chip(kind, text) {
  return h("span", { class: "chip", data: { kind } }, text);
}

function checks({ health }) {
  return panel(
    "Checks",
    h(
      "ul",
      { class: "checks" },
      health.map(({ name, ok, text }) =>
        h(
          "li",
          {},
          chip(ok ? "good" : "bad", ok ? "well" : "trouble"),
          h("div", {}, h("b", {}, plain(name)), h("p", { class: "note" }, text)),
        ),
      ),
    ),
  );
}

function calls({ calls: { running, max, accepted, refused, ended } }) {
  const rows = [
    ["Running", `${running} of ${max}`],
    ["Accepted", accepted],
    ["Refused", refused],
  ];
  for (const [reason, count] of Object.entries(ended)) rows.push([endWords({ reason }), count]);
  return panel("Calls", facts(rows));
}

function service(overview) {
  const { config, recording } = overview;
  return panel(
    "Service",
    facts([
      ["Version", overview.version],
      ["Up since", dateAndTime(overview.started_at)],
      ["For", clock(overview.uptime_s * 1000)],
      ["Configuration", config.is_saved ? h("code", {}, config.source) : "none: the defaults"],
      [
        "Recording",
        recording.calls === "none"
          ? "off"
          : `${recording.calls}, ${recording.audio ? "with audio" : "decisions only"}`,
      ],
    ]),
    h(
      "p",
      { class: "links note" },
      "For machines: ",
      ["healthz", "readyz", "metrics"].map((name) => [
        h("a", { href: `/${name}`, target: "_blank", rel: "noopener" }, `/${name}`),
        " ",
      ]),
    ),
  );
}

function lines({ lines: all }) {
  return panel(
    "Lines",
    table(
      "Lines",
      ["Line", "State", "Address"],
      all.map(({ name, enabled, address }) => [
        name,
        enabled ? chip("good", "listening") : chip("", "off"),
        address ? h("code", {}, address) : "–",
      ]),
    ),
  );
}

function providers({ providers: all }) {
  return panel(
    "Providers",
    table(
      "Providers",
      ["Provider", "Kind", "Gate"],
      all.map((each) => [
        [each.name, each.is_default && " (default)"],
        each.kind,
        each.gated ? plain(each.mode) : "untouched",
      ]),
    ),
  );
}

/** Put the view into an element. */
export function mountHealth(root) {
  const state = h("p", { class: "banner", role: "status" }, "Asking the engine …");
  const grid = h("div", { class: "health" });
  fill(root, h("div", { class: "view-head" }, h("h1", {}, "Health")), state, grid);
  const tell = (kind, words) => {
    state.dataset.kind = kind;
    setText(state, words);
  };
  const load = async () => {
    try {
      const overview = await api.overview();
      tell(...(STATES[overview.state] ?? ["warn", overview.state]));
      update(grid, [checks, calls, service, lines, providers].map((each) => each(overview)));
      grid.classList.remove("stale");
    } catch (error) {
      tell("bad", `${error.message} What stands below is from before.`);
      grid.classList.add("stale");
    }
  };
  return poll(load, EVERY_MS).stop;
}
