/**
 * The caller's line of the browser phone: the microphone, and what one adds to it by hand.
 *
 * Echo is what the agent says, weaker and later, in the line that goes back; noise is pink. Both
 * are mixed in behind the browser's own echo canceller: only the gate can take them out.
 */

const NOISE_S = 6;
const RAMP_S = 0.03; // a turned knob does not click

/** What goes wrong with microphones, in words. */
export function microphoneTrouble(error) {
  const words = {
    NotAllowedError:
      "The browser may not use the microphone. Allow it beside the page's address, and call again.",
    NotFoundError: "There is no microphone. Connect one, and call again.",
    NotReadableError: "The microphone can't be opened: another program may have it.",
    SecurityError:
      "This page gets no microphone: open the desk by https, on localhost or 127.0.0.1.",
  };
  return words[error.name] ?? error.message;
}

export class OwnLine {
  /** @param {{context: AudioContext, stream: MediaStream}} sound */
  constructor({ context, stream }) {
    this.context = context;
    this.stream = stream;
    this.microphone = new GainNode(context);
    /** What the call captures. */
    this.output = new GainNode(context);
    /** Where the agent is heard. */
    this.speaker = new GainNode(context);
    this.delay = new DelayNode(context, { maxDelayTime: 1 });
    this.echo = new GainNode(context, { gain: 0 });
    this.noise = new GainNode(context, { gain: 0 });
    this.level = new AnalyserNode(context, { fftSize: 1024 });
    /** Told when the microphone has gone, as one that was pulled out. */
    this.onLost = () => {};
    for (const track of stream.getTracks()) track.onended = () => this.onLost();
    context.createMediaStreamSource(stream).connect(this.microphone).connect(this.output);
    this.speaker.connect(context.destination);
    this.speaker.connect(this.delay).connect(this.echo).connect(this.output);
    this.source = new AudioBufferSourceNode(context, {
      buffer: pinkNoise(context),
      loop: true,
    });
    this.source.connect(this.noise).connect(this.output);
    this.source.start();
    this.output.connect(this.level);
    this.samples = new Float32Array(this.level.fftSize);
  }

  /**
   * Open microphone and sound; from a click, as browsers play only then.
   *
   * @param {{echoCancellation: boolean}} options
   */
  static async open({ echoCancellation }) {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    const audio = {
      channelCount: 1,
      echoCancellation,
      noiseSuppression: false,
      autoGainControl: false,
    };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    return new OwnLine({ context: new AudioContext(), stream });
  }

  /** @param {number | null} db Echo against the agent's sound; null: none. */
  setEcho(db, delayMs) {
    this.#ramp(this.echo.gain, db === null ? 0 : 10 ** (db / 20));
    this.#ramp(this.delay.delayTime, delayMs / 1000);
  }

  /** @param {number | null} dbfs Level of the noise; null: none. */
  setNoise(dbfs) {
    this.#ramp(this.noise.gain, dbfs === null ? 0 : 10 ** (dbfs / 20));
  }

  /** Silence the microphone; echo and noise stay, as they would on a line. */
  setMuted(isMuted) {
    this.#ramp(this.microphone.gain, isMuted ? 0 : 1);
  }

  /** Level of the whole line now, dBFS. */
  levelDbfs() {
    this.level.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    return 10 * Math.log10(sum / this.samples.length + 1e-10);
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }

  #ramp(parameter, value) {
    parameter.setTargetAtTime(value, this.context.currentTime, RAMP_S);
  }
}

/** Noise of 3 dB less an octave, of RMS 1, by six filters (Paul Kellet's coefficients). */
function pinkNoise(context) {
  const buffer = context.createBuffer(1, NOISE_S * context.sampleRate, context.sampleRate);
  const samples = buffer.getChannelData(0);
  const poles = [0.99886, 0.99332, 0.969, 0.8665, 0.55, -0.7616];
  const gains = [0.0555179, 0.0750759, 0.153852, 0.3104856, 0.5329522, -0.016898];
  const state = new Float64Array(6);
  let [last, sum] = [0, 0];
  for (let n = 0; n < samples.length; n++) {
    const white = Math.random() * 2 - 1;
    let pink = white * 0.5362 + last;
    for (let k = 0; k < 6; k++) pink += state[k] = poles[k] * state[k] + gains[k] * white;
    last = white * 0.115926;
    samples[n] = pink;
    sum += pink * pink;
  }
  const scale = 1 / Math.sqrt(sum / samples.length);
  for (let n = 0; n < samples.length; n++) samples[n] *= scale;
  return buffer;
}
