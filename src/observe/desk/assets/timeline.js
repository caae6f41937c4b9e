/**
 * Draws a call's timeline: the agent above, the line below it with the caller in it, and the gate.
 *
 * Invariant: a picture is a function of track, time and size; nothing is kept between two of them,
 * so that a resized window, another theme or a hidden tab needs no care.
 */

import { palette, stateColour, stateInk } from "./palette.js";
import { SILENT_DBFS } from "./call_track.js";
import { reasonShort, reasonWord, stateName } from "./words.js";

const QUIETEST_DBFS = -60;
const LONGEST_MS = 250; // what a sample is drawn for at most: what no tick told is left empty
const FAINT = 0.3; // what the echo filter leaves, and the gate does not take for the caller
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

/**
 * @typedef {object} Layout Heights of the lanes, in CSS pixels.
 * @property {number} lane Of each sound.
 * @property {number} band Of the gate.
 * @property {number} strip Of what the provider gets.
 * @property {number} gap Between them.
 * @property {number} axis Of the axis below; 0: none.
 * @property {number} font Size of text in the band; 0: none.
 */

/** @type {Layout} */
export const ROW = { lane: 20, band: 15, strip: 3, gap: 2, axis: 0, font: 10.5 };
/** @type {Layout} */
export const LARGE = { lane: 92, band: 26, strip: 6, gap: 6, axis: 20, font: 12 };

/** The height of a picture. */
export function heightOf(layout) {
  return 2 * layout.lane + 2 * layout.gap + layout.band + 1 + layout.strip + layout.axis;
}

/**
 * Fit a canvas to its place on the screen, sharp on every one.
 *
 * @returns {CanvasRenderingContext2D}
 */
export function fitCanvas(canvas, width, height) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d", { alpha: false });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {import("./call_track.js").CallTrack} track
 * @param {number} endMs Time at the right edge, ms of the server.
 * @param {number} spanMs
 * @param {Layout} layout
 */
export function drawTimeline(context, width, track, endMs, spanMs, layout) {
  const colours = palette();
  const { lane, gap } = layout;
  const view = { width, startMs: endMs - spanMs, endMs, perMs: width / spanMs };
  context.fillStyle = colours.surface;
  context.fillRect(0, 0, width, heightOf(layout));
  if (layout.axis > 0) drawAxis(context, view, layout, colours);
  drawBase(context, view, lane / 2, colours);
  drawSound(context, view, track, "far_end", lane / 2, lane / 2, colours.agent);
  const middle = lane + gap + lane / 2;
  drawBase(context, view, middle, colours);
  drawSound(context, view, track, "capture", middle, lane / 2, colours.line);
  const isCaller = (at) => track.isCaller[at] === 1;
  context.globalAlpha = FAINT;
  drawSound(
    context,
    view,
    track,
    "near_end",
    middle,
    lane / 2,
    colours.caller,
    (at) => !isCaller(at),
  );
  context.globalAlpha = 1;
  drawSound(context, view, track, "near_end", middle, lane / 2, colours.caller, isCaller);
  if (layout.axis > 0) drawFloor(context, view, track, middle, lane / 2, colours);
  drawGate(context, view, track, 2 * (lane + gap), layout, colours);
  drawMarks(
    context,
    view,
    track,
    heightOf(layout) - layout.axis,
    colours,
    layout.axis > 0 ? 2 : 1.5,
  );
}

function xOf(view, tMs) {
  return (tMs - view.startMs) * view.perMs;
}

/** Height of a level in its lane, 0 to 1: dB are drawn as dB. */
function shareOf(dbfs) {
  return Math.max(0, Math.min(1, 1 - dbfs / QUIETEST_DBFS));
}

function drawBase(context, view, middle, colours) {
  context.fillStyle = colours.rule;
  context.fillRect(0, middle - 0.5, view.width, 1);
}

function drawSound(context, view, track, name, middle, half, colour, isDrawn = () => true) {
  const levels = track.levels[name];
  context.beginPath();
  track.forSamples(view.startMs, view.endMs, LONGEST_MS, (at, fromMs, toMs) => {
    if (levels[at] <= QUIETEST_DBFS || !isDrawn(at)) return;
    const from = xOf(view, fromMs);
    const height = shareOf(levels[at]) * half;
    context.rect(from, middle - height, Math.max(0.6, xOf(view, toMs) - from), 2 * height);
  });
  context.fillStyle = colour;
  context.fill();
}

function drawFloor(context, view, track, middle, half, colours) {
  const floors = track.levels.noise_floor;
  context.beginPath();
  let isDown = false;
  track.forSamples(view.startMs, view.endMs, LONGEST_MS, (at, _fromMs, toMs) => {
    const y = middle - shareOf(floors[at]) * half;
    if (isDown) context.lineTo(xOf(view, toMs), y);
    else if (floors[at] > SILENT_DBFS) context.moveTo(xOf(view, toMs), y);
    isDown = floors[at] > SILENT_DBFS;
  });
  context.setLineDash([4, 3]);
  context.strokeStyle = colours.ink;
  context.lineWidth = 1;
  context.stroke();
  context.setLineDash([]);
}

/** The gate's state as colour, below it what the provider gets; reasons where they fit. */
function drawGate(context, view, track, top, layout, colours) {
  const { band, strip, font } = layout;
  const between = [view.startMs, view.endMs, LONGEST_MS];
  context.fillStyle = colours.raised;
  context.fillRect(0, top, view.width, band);
  const draw = (colour, y, height) => (fromMs, toMs) => {
    context.fillStyle = colour;
    context.fillRect(xOf(view, fromMs), y, Math.max(1, (toMs - fromMs) * view.perMs), height);
  };
  track.forStretches(
    (at) => track.states[at],
    ...between,
    (at, fromMs, toMs) => {
      if (track.states[at] !== "") draw(stateColour(track.states[at]), top, band)(fromMs, toMs);
    },
  );
  track.forStretches(
    (at) => track.forwarded[at],
    ...between,
    (at, fromMs, toMs) => {
      if (track.forwarded[at] === 1) draw(colours.caller, top + band + 1, strip)(fromMs, toMs);
    },
  );
  if (font === 0) return;
  context.font = `${font}px ${FONT}`;
  context.textBaseline = "middle";
  track.forStretches(
    (at) => `${track.states[at]} ${track.reasons[at]}`,
    ...between,
    (at, fromMs, toMs) => {
      drawWords(
        context,
        view,
        track.states[at],
        track.reasons[at],
        fromMs,
        toMs,
        top + band / 2,
        font,
      );
    },
  );
}

function drawWords(context, view, state, reason, fromMs, toMs, middle, size) {
  const from = Math.max(0, xOf(view, fromMs));
  const room = Math.min(view.width, xOf(view, toMs)) - from - 6;
  if (reason === "" || room < size * 2) return;
  const words = [reasonShort(reason), reasonWord(reason)].find(
    (each) => widthOf(context, each, size) <= room,
  );
  if (words === undefined) return;
  context.fillStyle = stateInk(state);
  context.fillText(words, from + 3, middle + 0.5);
}

const widths = new Map();

function widthOf(context, words, size) {
  const key = `${size} ${words}`;
  if (!widths.has(key)) widths.set(key, context.measureText(words).width);
  return widths.get(key);
}

function drawMarks(context, view, track, bottom, colours, lineWidth) {
  const strokes = {
    interrupted: [colours.right, []],
    resumed: [colours.false, [4, 3]],
  };
  for (const { t_ms: tMs, type } of track.events) {
    if (tMs < view.startMs || tMs > view.endMs || !(type in strokes)) continue;
    const [colour, dash] = strokes[type];
    context.strokeStyle = colour;
    context.lineWidth = lineWidth;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(xOf(view, tMs), 0);
    context.lineTo(xOf(view, tMs), bottom);
    context.stroke();
  }
  context.setLineDash([]);
}

function drawAxis(context, view, layout, colours) {
  const bottom = heightOf(layout) - layout.axis;
  context.font = `${layout.font - 1}px ${FONT}`;
  context.textBaseline = "middle";
  const every = [1, 2, 5, 10, 20].find((s) => s * 1000 * view.perMs > 48) ?? 30;
  for (let s = 0; s * 1000 <= view.endMs - view.startMs; s += every) {
    const x = Math.round(view.width - s * 1000 * view.perMs) - 0.5;
    context.fillStyle = colours.rule;
    context.fillRect(x, 0, 1, bottom + 4);
    const words = s === 0 ? "now" : `−${s} s`;
    const left = Math.min(view.width - widthOf(context, words, layout.font - 1), x + 3);
    context.fillStyle = colours.muted;
    if (s === 0 || left > 2) context.fillText(words, s === 0 ? left - 1 : left, bottom + 12);
  }
}

/** What the picture shows, as one sentence; for those who don't see it. */
export function describe(track, endMs, spanMs) {
  if (track.size === 0) return "Nothing has been heard of this call yet.";
  const shares = {};
  track.forStretches(
    (at) => track.states[at],
    endMs - spanMs,
    endMs,
    LONGEST_MS,
    (at, fromMs, toMs) => {
      if (track.states[at] !== "")
        shares[track.states[at]] = (shares[track.states[at]] ?? 0) + toMs - fromMs;
    },
  );
  const parts = Object.entries(shares).map(
    ([s, ms]) => `${stateName(s).toLowerCase()} ${(ms / 1000).toFixed(0)} s`,
  );
  const inSpan = track.events.filter((event) => event.t_ms >= endMs - spanMs);
  const count = (type) => inSpan.filter((event) => event.type === type).length;
  return (
    `The last ${Math.round(spanMs / 1000)} seconds of the gate: ` +
    `${parts.join(", ") || "nothing"}; ` +
    `${count("interrupted")} interrupted, ${count("resumed")} unconfirmed.`
  );
}
