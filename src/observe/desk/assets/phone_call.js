/**
 * The browser phone's one call. It goes on while other views are looked at, so that a threshold can
 * be turned in the middle of a conversation.
 */

import { microphoneTrouble, OwnLine } from "./own_line.js";

const ENDS = {
  agent: "The agent hung up, or the service stopped.",
  caller: "You hung up.",
  unreachable: "The engine can't be reached, or takes no more calls. Look at Health, and call again.",
};
const NO_MICROPHONE_LEFT = "The microphone was taken away. Connect it, and call again.";

/** Events: `state`. */
class PhoneCall extends EventTarget {
  #call = null;
  #line = null;
  #attempt = null;
  /** `idle`, `asking`, `connecting`, `ready` or `ended`. */
  state = "idle";
  /** What went wrong, or how it ended. */
  message = "";
  callId = null;
  readyAt = 0;
  isMuted = false;
  settings = { echoDb: null, echoDelayMs: 180, noiseDbfs: null, echoCancellation: true };

  get isRunning() {
    return ["asking", "connecting", "ready"].includes(this.state);
  }

  /** @param {string} path Of the line's WebSocket, on the desk's own server. */
  async start(path) {
    if (this.isRunning) return;
    this.callId = null;
    const attempt = (this.#attempt = {});
    this.#become("asking");
    try {
      const line = await OwnLine.open(this.settings);
      if (attempt !== this.#attempt || !this.isRunning) return line.close(); // hung up meanwhile
      this.#line = line;
      line.onLost = () => this.#end({ reason: "failed", message: NO_MICROPHONE_LEFT });
      this.#become("connecting");
      this.#apply();
      const { VoxgateCall } = await import("/phone/voxgate-call.js");
      if (line !== this.#line) return;
      const { context, speaker, output } = line;
      this.#call = new VoxgateCall({
        url: socketUrl(path),
        context,
        destination: speaker,
        source: output,
      });
      const call = this.#call;
      call.addEventListener("ended", ({ detail }) => call === this.#call && this.#end(detail));
      const callId = await call.start();
      if (line !== this.#line) return;
      this.callId = callId;
      this.readyAt = performance.now();
      this.#become("ready");
    } catch (error) {
      if (attempt === this.#attempt)
        this.#end({ reason: "failed", message: microphoneTrouble(error) });
    }
  }

  /** End the call; also one that is still asking for the microphone. */
  hangUp() {
    this.#end({ reason: "caller", message: "" });
  }

  press(digit) {
    this.#call?.press(digit);
  }

  setMuted(isMuted) {
    this.isMuted = isMuted;
    this.#line?.setMuted(isMuted);
  }

  /** Change what the line adds; heard at once. */
  set(settings) {
    Object.assign(this.settings, settings);
    this.#apply();
  }

  /** Level of the own line now, dBFS; null without a call. */
  levelDbfs() {
    return this.#line?.levelDbfs() ?? null;
  }

  #apply() {
    const { echoDb, echoDelayMs, noiseDbfs } = this.settings;
    this.#line?.setEcho(echoDb, echoDelayMs);
    this.#line?.setNoise(noiseDbfs);
    this.#line?.setMuted(this.isMuted);
  }

  #end({ reason, message }) {
    if (!this.isRunning) return;
    const [line, call] = [this.#line, this.#call];
    this.#line = this.#call = null;
    call?.hangUp();
    line?.close();
    const isRaw = reason === "unreachable"; // words for who builds pages
    this.message = (!isRaw && message) || (ENDS[reason] ?? "The call has ended.");
    this.#become("ended");
  }

  #become(state) {
    this.state = state;
    if (state !== "ended") this.message = "";
    this.dispatchEvent(new Event("state"));
  }
}

function socketUrl(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

export const phone = new PhoneCall();
