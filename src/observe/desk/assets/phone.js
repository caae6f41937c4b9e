/** The browser phone: call the agent, and watch the gate work on the own line. */

import { api } from "./api.js";
import { CallMonitor } from "./call_monitor.js";
import { clock, fill, h, minus, setText } from "./dom.js";
import { DrawingLoop } from "./drawing_loop.js";
import { knob } from "./knob.js";
import { phone } from "./phone_call.js";

const QUIETEST_DBFS = -60;
const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const SPOKEN_EVERY_MS = 1000;

class PhoneView {
  #overview = null;
  #monitor = null;
  #spokenAt = 0;
  #onState = () => this.#show();

  constructor(root) {
    this.banner = h("p", { class: "banner", hidden: true });
    this.status = h("p", { class: "phone-status", role: "status" });
    this.time = h("p", { class: "phone-time", "aria-hidden": "true" }, "0:00");
    this.button = h(
      "button",
      {
        type: "button",
        class: "call-button",
        id: "call",
        on: { click: () => this.#toggle() },
      },
      "Call",
    );
    this.mute = h(
      "button",
      {
        type: "button",
        id: "mute",
        "aria-pressed": "false",
        on: { click: () => this.#mute() },
      },
      "Mute",
    );
    this.watched = h("div", { class: "watched" });
    fill(
      root,
      h(
        "div",
        { class: "view-head" },
        h("h1", {}, "Browser phone"),
        h(
          "p",
          { class: "lead" },
          "Talk to the agent through the real engine, and watch the gate on your own line. ",
          "The call goes on while you look at other views.",
        ),
      ),
      this.banner,
      h(
        "div",
        { class: "phone" },
        h("div", { class: "handset" }, this.#callPanel(), this.#linePanel()),
        this.watched,
      ),
    );
    phone.addEventListener("state", this.#onState);
    this.loop = new DrawingLoop((now) => this.#draw(now));
    this.#show();
    this.#load();
  }

  leave() {
    phone.removeEventListener("state", this.#onState);
    this.loop.stop();
    this.#monitor?.leave();
  }

  #callPanel() {
    this.bar = h("span", { class: "fill" });
    this.meter = h(
      "span",
      {
        class: "track",
        role: "meter",
        "aria-label": "Level of your line",
        "aria-valuemin": QUIETEST_DBFS,
        "aria-valuemax": 0,
        "aria-valuenow": QUIETEST_DBFS,
      },
      this.bar,
    );
    this.value = h("span", { class: "value", "aria-hidden": "true" }, "–");
    const meter = h(
      "div",
      { class: "meter", data: { level: "near_end" } },
      h("span", { class: "name" }, "Your line"),
      this.meter,
      this.value,
    );
    this.keys = h(
      "div",
      { class: "keypad", role: "group", "aria-label": "Keys of the telephone" },
      DIGITS.map((digit) =>
        h("button", { type: "button", on: { click: () => phone.press(digit) } }, digit),
      ),
    );
    return h(
      "section",
      { class: "panel call-panel", "aria-label": "Call" },
      this.time,
      this.status,
      h("div", { class: "call-buttons" }, this.button, this.mute),
      meter,
      h("details", { class: "keys" }, h("summary", {}, "Keys"), this.keys),
    );
  }

  #linePanel() {
    const { echoDb, echoDelayMs, noiseDbfs, echoCancellation } = phone.settings;
    const weaker = (db) => `${minus(db)} dB`;
    this.canceller = h("input", {
      type: "checkbox",
      id: "canceller",
      checked: echoCancellation,
      on: { change: () => phone.set({ echoCancellation: this.canceller.checked }) },
    });
    return h(
      "section",
      { class: "panel", "aria-labelledby": "line-head" },
      h("h2", { id: "line-head" }, "Make your line worse"),
      h(
        "p",
        { class: "note" },
        "What you add goes to the engine as if the telephone line did it; you don't hear it.",
      ),
      knob({
        id: "echo",
        label: "Echo of the agent",
        min: -40,
        max: -3,
        step: 1,
        value: echoDb,
        text: weaker,
        onInput: (db) => phone.set({ echoDb: db }),
      }),
      knob({
        id: "echo-delay",
        label: "Echo comes after",
        min: 20,
        max: 600,
        step: 10,
        value: echoDelayMs,
        isAlwaysOn: true,
        text: (ms) => `${ms} ms`,
        onInput: (ms) => phone.set({ echoDelayMs: ms }),
      }),
      knob({
        id: "noise",
        label: "Noise",
        min: -65,
        max: -20,
        step: 1,
        value: noiseDbfs,
        text: (db) => `${minus(db)} dBFS`,
        onInput: (db) => phone.set({ noiseDbfs: db }),
      }),
      h(
        "p",
        { class: "check" },
        this.canceller,
        h(
          "label",
          { htmlFor: "canceller" },
          "The browser's own echo canceller",
          h("span", { class: "note" }, " from the next call on; it does not touch what you add"),
        ),
      ),
    );
  }

  async #load() {
    try {
      this.#overview = (await api.overview()).phone;
    } catch (error) {
      this.#overview = { available: false, missing: error.message };
    }
    this.#show();
  }

  #toggle() {
    if (phone.isRunning) phone.hangUp();
    else phone.start(this.#overview.path);
  }

  #mute() {
    phone.setMuted(!phone.isMuted);
    this.#show();
  }

  #show() {
    const isThere = this.#overview?.available === true;
    this.banner.hidden = this.#overview === null || isThere;
    setText(this.banner, this.#overview?.missing ?? "");
    this.button.disabled = !isThere && !phone.isRunning;
    this.button.dataset.state = phone.state;
    setText(this.button, phone.isRunning ? "Hang up" : "Call");
    this.mute.disabled = phone.state !== "ready";
    this.mute.setAttribute("aria-pressed", String(phone.isMuted));
    setText(this.mute, phone.isMuted ? "Muted" : "Mute");
    for (const key of this.keys.children) key.disabled = phone.state !== "ready";
    this.status.dataset.state = phone.state;
    setText(this.status, this.#words());
    this.#watch();
  }

  #words() {
    const words = {
      asking: "Allow the microphone …",
      connecting: "Connecting …",
      ready: "You are talking to the agent.",
    };
    return words[phone.state] ?? (phone.message || "Ready to call.");
  }

  /** The timeline of the own call, as long as there is one. */
  #watch() {
    const callId = phone.callId;
    if (callId === null) {
      if (this.#monitor === null) {
        fill(
          this.watched,
          h(
            "div",
            { class: "empty" },
            h("b", {}, "Your call will show up here"),
            "Call, and interrupt the agent: you see when the gate opens, and why.",
          ),
        );
      }
      return;
    }
    if (this.watchedId === callId) return;
    this.watchedId = callId;
    this.#monitor?.leave();
    this.#monitor = new CallMonitor(callId);
    fill(this.watched, this.#monitor.element);
  }

  #draw(now) {
    const dbfs = phone.levelDbfs();
    const share = dbfs === null ? 0 : Math.max(0, 1 - Math.min(0, dbfs) / QUIETEST_DBFS);
    this.bar.style.transform = `scaleX(${share.toFixed(2)})`;
    if (phone.state === "ready") setText(this.time, clock(now - phone.readyAt));
    else if (phone.isRunning) setText(this.time, clock(0));
    if (now - this.#spokenAt < SPOKEN_EVERY_MS) return;
    this.#spokenAt = now;
    setText(this.value, dbfs === null || dbfs < -90 ? "–" : `${minus(Math.round(dbfs))} dBFS`);
    this.meter.setAttribute(
      "aria-valuenow",
      String(Math.max(QUIETEST_DBFS, Math.min(0, Math.round(dbfs ?? QUIETEST_DBFS)))),
    );
    this.meter.setAttribute(
      "aria-valuetext",
      dbfs === null ? "no call" : `${Math.round(dbfs)} dBFS`,
    );
  }
}

/** Put the view into an element. */
export function mountPhone(root) {
  const view = new PhoneView(root);
  return () => view.leave();
}
