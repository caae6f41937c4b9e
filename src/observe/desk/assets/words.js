/** What the gate's states, reasons and events are called, and what they mean, for people. */

import { minus } from "./dom.js";

/** States: a name, and what it says of the call. */
export const STATES = {
  open: {
    name: "Open",
    tells: "The caller is heard: the agent is silent, or the caller has the turn.",
  },
  closed: {
    name: "Closed",
    tells: "The agent is audible: the provider hears silence instead of its echo.",
  },
  candidate: {
    name: "Candidate",
    tells: "Early evidence of the caller: the agent pauses, nothing is let through yet.",
  },
  barge_in: {
    name: "Barge-in",
    tells: "The evidence held: the caller goes through, the agent stays paused.",
  },
  off: { name: "Not gated", tells: "The audio of this provider passes untouched." },
};

/** Reasons: few words for a timeline, a sentence, and one word where there is less room. */
const REASONS = {
  pass_through: ["untouched", "The gate does not concern itself with this provider."],
  agent_silent: ["agent silent", "The agent and its echo have died away."],
  caller_speech: ["caller speaks", "The agent is silent and the guard hears speech.", "caller"],
  hangover: ["word end", "No speech in this frame, but some shortly before it."],
  line_silence: ["silence", "The line is silent."],
  line_noise: ["noise", "There is sound on the line that is not speech."],
  line_music: ["music", "There is music on the line."],
  line_tone: ["tone", "A tone of the telephone network: ringing, busy, a push button, a fax."],
  quieter_voice: [
    "other voice",
    "A voice well below the caller's: let out more softly, or kept back.",
  ],
  agent_audible: [
    "agent speaks",
    "The agent is heard by the caller, or its echo may still be coming back.",
    "agent",
  ],
  candidate: ["caller?", "Early evidence of the caller over the agent, not yet enough."],
  barge_in: ["over the agent", "The caller's speech over the agent held: the gate is open."],
  caller_turn: [
    "caller's turn",
    "The caller was already talking when the agent started, or has interrupted it.",
  ],
  provider_speech: ["provider heard", "The provider's turn detector heard the caller."],
  confirm_timeout: ["unconfirmed", "A barge-in that nothing confirmed in time."],
  evidence_lost: ["not held", "Early evidence of the caller that did not hold."],
  idle_fill: [
    "line stalls",
    "The line delivers nothing; silence keeps the provider's turn detector running.",
  ],
  gap_recovery: ["gap filled", "A small gap in the stream was filled."],
  malformed_audio: ["no audio", "What came was no audio of the call's format."],
  incomplete_frame: ["incomplete", "Not yet 20 ms of audio; decided when the rest is there."],
};

/** Events: what happened, and how much it matters to an operator. */
const EVENTS = {
  gate_closed: ["Gate closed", "plain"],
  gate_opened: ["Gate opened", "plain"],
  candidate_started: ["Caller suspected, agent paused", "plain"],
  candidate_dropped: ["Suspicion dropped, agent goes on", "warn"],
  barge_in_committed: ["Barge-in: gate opened over the agent", "strong"],
  interrupted: ["Caller has interrupted the agent", "good"],
  resumed: ["Barge-in unconfirmed, agent goes on", "bad"],
  held_discarded: ["Held echo discarded", "plain"],
  onset_released: ["Caller's onset released", "plain"],
  detector_degraded: ["A detector failed, a simpler one serves", "bad"],
  music_entered: ["Music on the line", "warn"],
  music_left: ["Music has ended", "plain"],
  guard_summary: ["Noise kept from the provider", "plain"],
};

/** Counters of a call, in the order in which they are shown. */
export const COUNTERS = {
  captured_frames: "frames captured",
  forwarded_frames: "forwarded",
  withheld_frames: "withheld",
  released_frames: "released as onset",
  discarded_frames: "discarded as echo",
  silence_frames: "silence sent",
  candidates: "candidates",
  candidates_dropped: "candidates dropped",
  barge_ins: "barge-ins",
  interruptions: "interruptions",
  resumed: "unconfirmed, resumed",
  noise_frames: "withheld as noise",
  music_frames: "withheld as music",
  quieter_frames: "other voices",
  idle_fill_frames: "silence for a stalled line",
  gap_recovery_frames: "made up for gaps",
  surplus_frames: "silence left out",
  malformed_chunks: "malformed chunks",
  malformed_far_end_frames: "malformed agent frames",
  degradations: "detectors given up",
};

/** Few words for a reason. */
export function reasonShort(reason) {
  return REASONS[reason]?.[0] ?? plain(reason);
}

/** The fewest words for a reason. */
export function reasonWord(reason) {
  return REASONS[reason]?.[2] ?? reasonShort(reason);
}

/** A sentence for a reason. */
export function reasonSentence(reason) {
  return REASONS[reason]?.[1] ?? plain(reason);
}

/** What a state is called. */
export function stateName(state) {
  return STATES[state]?.name ?? plain(state);
}

/** What happened. */
export function eventName(type) {
  return EVENTS[type]?.[0] ?? plain(type);
}

/** `plain`, `strong`, `good`, `warn` or `bad`. */
export function eventKind(type) {
  return EVENTS[type]?.[1] ?? "plain";
}

/** How many frames, as time. */
export function framesAsTime(count) {
  const ms = count * 20;
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** A value of the configuration as it is written there. */
export function valueText(value, unit) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = Array.isArray(value) ? value.join(", ") || "none" : minus(value);
  return unit ? `${text} ${unit}` : text;
}

/** `dropped_frames` as `dropped frames`. */
export function plain(name) {
  return String(name ?? "")
    .replaceAll("_", " ")
    .replaceAll(".", " · ");
}
