/** One call by its id: what runs is watched, what is over is told. */

import { announce, clock, dateAndTime, fill, h, setText, update } from "./dom.js";
import { api } from "./api.js";
import { CallMonitor } from "./call_monitor.js";
import { confirmDialog } from "./confirm.js";
import { endWords } from "./ended_calls.js";
import { plain } from "./words.js";

function aboutCall(call) {
  const provider = [...(call.predecessors ?? []), call.provider].join(" → ");
  const lasted = call.duration_s ?? (Date.now() - Date.parse(call.started_at)) / 1000;
  const rows = [
    ["Line", call.line ?? "unknown"],
    ["Provider", provider],
    ["Gate", call.gated ? plain(call.mode) : "not gated"],
    ["Began", dateAndTime(call.started_at)],
    ["Duration", clock(lasted * 1000)],
  ];
  if (call.end) rows.push(["End", endWords(call.end)]);
  const report =
    call.recorded &&
    h("a", { href: api.reportUrl(call.recorded), target: "_blank", rel: "noopener" }, "Report");
  if (report) rows.push(["Recording", report]);
  return rows.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text)));
}

async function hangUp(callId) {
  const isSure = await confirmDialog({
    title: "Hang up this call?",
    text: "The caller is cut off at once. There is no way back.",
    confirm: "Hang up",
    isDanger: true,
  });
  if (!isSure) return;
  try {
    await api.hangUp(callId);
    announce("The call was hung up.");
  } catch (error) {
    announce(error.message, "bad");
  }
}

/** Put the view of a call into an element. */
export function mountCall(root, callId) {
  const about = h("dl", { class: "about" });
  const button = h(
    "button",
    { type: "button", class: "danger", disabled: true, on: { click: () => hangUp(callId) } },
    "Hang up",
  );
  const title = h("h1", {}, "Call ", h("span", { class: "code" }, callId));
  const problem = h("p", { class: "banner", role: "status", hidden: true });
  const monitor = new CallMonitor(callId);
  let call = null;
  const tellAbout = () => call && update(about, aboutCall(call));
  const second = setInterval(() => document.hidden || tellAbout(), 1000);
  monitor.addEventListener("call", ({ detail }) => {
    call = detail;
    tellAbout();
    button.disabled = detail.end !== null;
    problem.hidden = detail.end === null;
    if (detail.end) setText(problem, `This call is over: ${endWords(detail.end)}.`);
  });
  monitor.addEventListener("lost", ({ detail }) => {
    problem.hidden = false;
    setText(problem, detail.message);
    button.disabled = true;
  });
  fill(
    root,
    h("p", { class: "back" }, h("a", { href: "#/live" }, "Live calls")),
    h("div", { class: "view-head" }, title, h("div", { class: "aside" }, button), about),
    problem,
    monitor.element,
  );
  return () => {
    clearInterval(second);
    monitor.leave();
  };
}
