/**
 * The live feed: one WebSocket, open only while somebody looks, and a track for each running call.
 *
 * Events: `status` (the connection changed), `roster` (calls came or went), `tick`, `detail` (of
 * the call in focus). Invariant: a hidden tab has no connection, and costs the server nothing.
 */

import { CallTrack } from "./call_track.js";
import { decisionsOf, eventsOf, levelsOf } from "./live_messages.js";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const LINGER_MS = 400; // from view to view the feed stays open
const LATENESS_MS = 160; // what is drawn lags so much, so that the right edge moves steadily
const RATE_WINDOW = 25; // ticks over which the rate is measured
const FINE_CAPACITY = 4096;
const TOO_MANY = 4503;
const LOGIN_NEEDED = 4401;

/**
 * @typedef {object} LiveCall What the page knows of a running call.
 * @property {any} call As in the roster.
 * @property {CallTrack} track
 * @property {CallTrack | null} fine Frame by frame, while it is in focus.
 * @property {any[]} newest Decisions of the newest tick.
 * @property {any} now Measurements of the call in focus.
 */

class LiveFeed extends EventTarget {
  #socket = null;
  #watchers = 0;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer = 0;
  #lingerTimer = 0;
  #hello = null;
  #focus = null;
  #seq = null;
  #tickMs = null; // server time of the newest tick
  #offsets = [];
  #arrivals = [];
  /** @type {Map<number, LiveCall>} */
  calls = new Map();
  status = "idle"; // idle, connecting, live, lost
  /** Whether `calls` are those that run now. */
  isCurrent = false;
  /** Why it is lost, for people. */
  trouble = "";
  ticks = 0;

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => this.#follow());
  }

  /** Keep the feed open until the function that is returned is called. */
  watch() {
    this.#watchers++;
    this.#follow();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#watchers--;
      this.#follow();
    };
  }

  /** Ask for every frame of one call; null: of none. */
  focus(callId) {
    this.#focus = callId;
    for (const each of this.calls.values()) if (each.call.call_id !== callId) each.fine = null;
    if (this.status === "live") this.#send({ type: "focus", call_id: callId });
  }

  /** The running call with an id. */
  find(callId) {
    for (const each of this.calls.values()) if (each.call.call_id === callId) return each;
    return null;
  }

  /** The server's time at the right edge of a timeline now. */
  displayMs() {
    if (this.#offsets.length === 0) return 0;
    return performance.now() - Math.min(...this.#offsets) - LATENESS_MS;
  }

  /** Ticks a second, over the last two seconds or so; 0 where the feed stands. */
  rateHz() {
    const times = this.#arrivals;
    if (times.length < 5 || performance.now() - times.at(-1) > 1000) return 0;
    return ((times.length - 1) * 1000) / (times.at(-1) - times[0]);
  }

  #follow() {
    clearTimeout(this.#lingerTimer);
    if (document.hidden) this.#close();
    else if (this.#watchers === 0) this.#lingerTimer = setTimeout(() => this.#close(), LINGER_MS);
    else if (this.#socket === null) this.#connect();
  }

  #connect() {
    clearTimeout(this.#retryTimer);
    this.#setStatus("connecting");
    const url = new URL("/live", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#lose(code);
    };
    this.#socket = socket;
  }

  #lose(code) {
    this.#socket = null;
    this.trouble =
      code === TOO_MANY
        ? "Too many windows watch: this one waits for a place."
        : "The connection is lost: trying again.";
    this.#setStatus("lost");
    if (code === LOGIN_NEEDED) this.dispatchEvent(new Event("login_needed"));
    else if (this.#watchers > 0 && !document.hidden) {
      this.#retryTimer = setTimeout(() => this.#follow(), this.#retryMs);
      this.#retryMs = Math.min(LAST_RETRY_MS, 2 * this.#retryMs);
    }
  }

  #close() {
    clearTimeout(this.#retryTimer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#arrivals = [];
    this.#setStatus("idle");
  }

  #receive(message) {
    if (message.type === "hello") this.#greet(message);
    else if (message.type === "roster") this.#enrol(message.calls);
    else if (message.type === "tick") this.#tick(message);
    else if (message.type === "detail") this.#detail(message);
  }

  #greet(hello) {
    this.#hello = hello;
    this.trouble = "";
    this.#retryMs = FIRST_RETRY_MS;
    this.#seq = this.#tickMs = null;
    this.#offsets = [];
    this.#setStatus("live");
    if (this.#focus !== null) this.#send({ type: "focus", call_id: this.#focus });
  }

  #enrol(calls) {
    const known = this.calls;
    this.calls = new Map();
    for (const call of calls) {
      const before = known.get(call.k);
      const isSame = before?.call.call_id === call.call_id; // an engine that began anew counts anew
      const fresh = () => ({ track: new CallTrack(), fine: null, newest: [], now: null });
      this.calls.set(call.k, Object.assign(isSame ? before : fresh(), { call }));
    }
    this.isCurrent = true;
    this.dispatchEvent(new Event("roster"));
  }

  #tick({ seq, t, calls }) {
    const now = performance.now();
    this.#note(now, t);
    const fromMs = this.#tickMs ?? t - this.#hello.interval_ms;
    const isGap = this.#seq !== null && seq !== this.#seq + 1;
    for (const row of calls) {
      const call = this.calls.get(row[0]);
      if (call) this.#add(call, row, isGap ? t - this.#hello.interval_ms : fromMs, t, isGap);
    }
    this.#seq = seq;
    this.#tickMs = t;
    this.ticks++;
    this.dispatchEvent(new Event("tick"));
  }

  #add(call, row, fromMs, toMs, isGap) {
    const levels = levelsOf(row);
    if (isGap) call.track.addSample(fromMs, "", "", {}, false);
    call.newest = decisionsOf(row[5], this.#hello);
    const step = (toMs - fromMs) / Math.max(1, call.newest.length);
    call.newest.forEach((decision, n) => {
      if (decision === call.newest[n + 1]) return; // a run is one sample, that ends with it
      call.track.addSample(
        fromMs + (n + 1) * step,
        decision.state,
        decision.reason,
        levels,
        decision.forwarded,
      );
    });
    for (const event of eventsOf(row[6], toMs, this.#hello)) call.track.addEvent(event);
  }

  /** Frames of the call in focus, laid over the time of the tick that they belong to. */
  #detail({ k, t, frames, now }) {
    const call = this.calls.get(k);
    if (!call) return;
    call.fine ??= CallTrack.copyOf(call.track, FINE_CAPACITY);
    call.now = now;
    frames.forEach((frame, n) => {
      const [capture, far_end, near_end, noise_floor, , logit] = frame;
      const decision = call.newest[Math.min(n, call.newest.length - 1)] ?? {
        state: "",
        reason: "",
      };
      const atMs = t - (frames.length - 1 - n) * 20;
      const levels = { capture, far_end, near_end, noise_floor };
      call.fine.addSample(atMs, decision.state, decision.reason, levels, decision.forwarded, logit);
    });
    call.fine.events = call.track.events;
    this.dispatchEvent(
      new CustomEvent("detail", { detail: { k, newest: frames.at(-1) ?? null, now } }),
    );
  }

  #note(now, t) {
    this.#arrivals.push(now);
    if (this.#arrivals.length > RATE_WINDOW) this.#arrivals.shift();
    this.#offsets.push(now - t);
    if (this.#offsets.length > 4 * RATE_WINDOW) this.#offsets.shift();
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #setStatus(status) {
    this.status = status;
    this.isCurrent = false; // until the roster comes
    this.dispatchEvent(new Event("status"));
  }
}

export const feed = new LiveFeed();
