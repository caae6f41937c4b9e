/** Hands on what it hears, and tells the page of it. */
class Recorder extends AudioWorkletProcessor {
  process(inputs, outputs) {
    const samples = inputs[0][0];
    outputs[0][0].set(samples ?? new Float32Array(outputs[0][0].length));
    this.port.postMessage(outputs[0][0].slice());
    return true;
  }
}

registerProcessor("recorder", Recorder);
