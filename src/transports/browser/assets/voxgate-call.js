/**
 * A call to voxgate from a web page: microphone and loudspeaker by AudioWorklets, one WebSocket.
 *
 *     import { VoxgateCall } from "http://127.0.0.1:8092/browser/voxgate-call.js";
 *     const call = new VoxgateCall();
 *     call.addEventListener("ended", ({ detail }) => console.log(detail.reason, detail.message));
 *     button.onclick = () => call.start();
 *
 * Events, each a CustomEvent: `state` (detail.state), `ready` (callId), `played` (frames, flush,
 * heldMs, droppedMs), `flush` (flush), `ended` (reason, message). `ended` comes once, and last.
 */

const SUBPROTOCOL = "voxgate.browser.v1";
const RATE_HZ = 16000;
const MAX_WAITING_BYTES = 2 * RATE_HZ * 2; // 2 s of audio; beyond, what is captured is skipped
const NORMAL_CLOSE = 1000;

export class VoxgateCall extends EventTarget {
  #options;
  #socket = null;
  #ownContext = null;
  #ownStream = null;
  #source = null; // what is captured
  #sourceGain = null; // of a source that is no stream: by it the caller is muted
  #captureNode = null;
  #playoutNode = null;
  #unsentSamples = 0;
  #pausedAt = null;
  #state = "idle";
  #hangup = null;
  #isMuted = false;
  #onStateChange = () => this.#followContext();

  /**
   * @param {object} [options]
   * @param {string} [options.url] The line; by default the server that this file came from.
   * @param {string} [options.token] Where the line asks for one; never part of an address.
   * @param {Record<string, string>} [options.parameters] What the call is to carry: its metadata.
   * @param {MediaStream} [options.stream] Captured instead of the microphone; left running.
   * @param {AudioNode} [options.source] Likewise, from a graph of yours; with its `context`.
   * @param {AudioContext} [options.context] Used instead of one of its own; left running.
   * @param {AudioNode} [options.destination] Where the agent is heard; the context's by default.
   * @param {boolean} [options.echoCancellation] The browser's own canceller. On: it knows exactly
   *   what the loudspeaker plays, and leaves the gate an easier line. Off, to let the gate do it.
   * @param {boolean} [options.noiseSuppression] Off: it is made for people's ears, eats soft word
   *   ends, and hides from the guard how loud the room is.
   * @param {boolean} [options.autoGainControl] Off: it turns pauses and far voices up, by which the
   *   guard tells the caller from a television.
   */
  constructor(options = {}) {
    super();
    this.#options = {
      url: lineUrl(),
      parameters: {},
      echoCancellation: true,
      noiseSuppression: false,
      autoGainControl: false,
      ...options,
    };
  }

  /** `idle`, `connecting`, `ready` or `ended`. */
  get state() {
    return this.#state;
  }

  /** The node behind which the caller's sound is captured, such as for a level; null before. */
  get captureNode() {
    return this.#captureNode;
  }

  /** The node that the agent's sound comes from; null before the call. */
  get playoutNode() {
    return this.#playoutNode;
  }

  /**
   * Ask for the microphone, connect, and resolve once the call stands; to be called from a click, as
   * browsers play sound only then. An object makes one call.
   *
   * @returns {Promise<string>} The call's id.
   */
  async start() {
    if (this.#state !== "idle") throw new Error("a VoxgateCall makes one call");
    this.#setState("connecting");
    try {
      const stream = await this.#openStream();
      await this.#openAudio(stream);
      return await this.#connect();
    } catch (error) {
      this.#end("failed", error.message);
      throw error;
    }
  }

  /** End the call; nothing happens where there is none. */
  hangUp() {
    if (this.#state === "idle" || this.#state === "ended") return;
    this.#send({ type: "hangup" });
    this.#end("caller", "");
  }

  /** Press a key: one of 0-9, *, #, A-D. */
  press(digit) {
    this.#send({ type: "dtmf", digit });
  }

  /** Let the agent hear silence, or the caller again; before the call, from its beginning on. */
  setMuted(isMuted) {
    this.#isMuted = isMuted;
    this.#mute(this.#ownStream ?? this.#options.stream);
  }

  #mute(stream) {
    for (const track of stream?.getAudioTracks() ?? []) track.enabled = !this.#isMuted;
    if (this.#sourceGain) this.#sourceGain.gain.value = this.#isMuted ? 0 : 1;
  }

  // -- the two ends of the sound ------------------------------------------------------------------

  async #openStream() {
    if (this.#options.source) return null;
    if (this.#options.stream) return this.#options.stream;
    if (!navigator.mediaDevices) {
      throw new Error("there is no microphone here: pages need https, localhost or 127.0.0.1");
    }
    const { echoCancellation, noiseSuppression, autoGainControl } = this.#options;
    const audio = { channelCount: 1, echoCancellation, noiseSuppression, autoGainControl };
    this.#ownStream = await navigator.mediaDevices.getUserMedia({ audio });
    if (this.#isMuted) this.#mute(this.#ownStream);
    this.#checkNotEnded();
    return this.#ownStream;
  }

  async #openAudio(stream) {
    const context = this.#options.context ?? (this.#ownContext = new AudioContext());
    for (const name of ["voxgate-capture.js", "voxgate-playout.js"]) {
      await context.audioWorklet.addModule(new URL(name, import.meta.url));
    }
    await context.resume();
    this.#checkNotEnded();
    const shape = { channelCount: 1, channelCountMode: "explicit", outputChannelCount: [1] };
    this.#captureNode = new AudioWorkletNode(context, "voxgate-capture", shape);
    this.#playoutNode = new AudioWorkletNode(context, "voxgate-playout", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.#captureNode.port.onmessage = ({ data }) => this.#sendAudio(data);
    this.#playoutNode.port.onmessage = ({ data }) => this.#tellPlayed(data);
    this.#source = this.#openSource(context, stream);
    this.#source.connect(this.#captureNode);
    this.#captureNode.connect(context.destination); // silent; what leads nowhere may stand still
    this.#playoutNode.connect(this.#options.destination ?? context.destination);
    context.addEventListener("statechange", this.#onStateChange);
  }

  #openSource(context, stream) {
    if (stream !== null) return context.createMediaStreamSource(stream);
    this.#sourceGain = new GainNode(context, { gain: this.#isMuted ? 0 : 1 });
    this.#options.source.connect(this.#sourceGain);
    return this.#sourceGain;
  }

  #sendAudio(samples) {
    if (this.#state !== "ready") return;
    if (this.#socket.bufferedAmount > MAX_WAITING_BYTES) {
      this.#unsentSamples += samples.length;
      return;
    }
    if (this.#unsentSamples > 0) this.#send({ type: "gap", samples: this.#unsentSamples });
    this.#unsentSamples = 0;
    this.#socket.send(samples);
  }

  #tellPlayed(report) {
    this.#send({ type: "played", frames: report.frames, flush: report.flush });
    this.#tell("played", report);
  }

  /** A context that stood still, as on a telephone that rang, has captured nothing meanwhile. */
  #followContext() {
    const { state } = this.#captureNode.context;
    if (state !== "running") {
      this.#pausedAt ??= performance.now();
    } else if (this.#pausedAt !== null) {
      const pausedMs = performance.now() - this.#pausedAt;
      this.#unsentSamples += Math.round((pausedMs * RATE_HZ) / 1000);
      this.#pausedAt = null;
    }
  }

  // -- the connection -----------------------------------------------------------------------------

  #connect() {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#options.url, SUBPROTOCOL);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => this.#sendStart(socket);
      socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) this.#play(data);
        else this.#receive(JSON.parse(data), resolve);
      };
      socket.onclose = ({ code, reason }) => {
        const [why, message] = this.#hangup ?? closeReason(code, reason, this.#state);
        reject(new Error(message || why)); // of a call that never stood; else it changes nothing
        this.#end(why, message);
      };
      this.#socket = socket;
    });
  }

  #sendStart(socket) {
    const { token, parameters } = this.#options;
    socket.send(JSON.stringify({ type: "start", rate_hz: RATE_HZ, token, parameters }));
  }

  #receive(message, resolve) {
    switch (message.type) {
      case "ready":
        this.#setState("ready");
        this.#tell("ready", { callId: message.call_id });
        resolve(message.call_id);
        break;
      case "flush":
        this.#playoutNode.port.postMessage({ type: "flush", flush: message.flush });
        this.#tell("flush", { flush: message.flush });
        break;
      case "hangup":
        this.#hangup = ["agent", ""];
        break;
    }
  }

  #play(data) {
    const samples = new Int16Array(data);
    if (samples.length > 0) {
      this.#playoutNode.port.postMessage({ type: "audio", samples }, [samples.buffer]);
    }
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  // -- the end ------------------------------------------------------------------------------------

  #end(reason, message) {
    if (this.#state === "ended") return;
    this.#setState("ended");
    const context = this.#captureNode?.context;
    context?.removeEventListener("statechange", this.#onStateChange);
    for (const node of [this.#captureNode, this.#playoutNode]) {
      node?.port.postMessage({ type: "end" });
      node?.disconnect();
    }
    this.#source?.disconnect();
    if (this.#sourceGain) this.#options.source.disconnect(this.#sourceGain);
    for (const track of this.#ownStream?.getTracks() ?? []) track.stop();
    this.#ownContext?.close();
    this.#socket?.close(NORMAL_CLOSE);
    this.#tell("ended", { reason, message });
  }

  #checkNotEnded() {
    if (this.#state === "ended") {
      for (const track of this.#ownStream?.getTracks() ?? []) track.stop();
      throw new Error("the call was ended before it began");
    }
  }

  #setState(state) {
    this.#state = state;
    this.#tell("state", { state });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** The line beside which this file is served: `/browser` for `/browser/voxgate-call.js`. */
function lineUrl() {
  const url = new URL(".", import.meta.url);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href.replace(/\/$/, "");
}

function closeReason(code, reason, state) {
  if (state === "connecting" && code === 1006) {
    return ["unreachable", "the line can't be reached, refuses this page's origin, or is full"];
  }
  return code === NORMAL_CLOSE ? ["agent", reason] : ["error", reason || `closed with ${code}`];
}
