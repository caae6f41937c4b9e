"use strict";
// Plays a call, and keeps picture, table and sound at one moment. Everything it needs is in the page.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const zooms = [1, 2, 4, 8, 16, 32, 64];
const lanes = byId("lanes"), scroller = byId("scroller"), seek = byId("seek");
const sounds = { call: byId("audio-call"), provider: byId("audio-provider") };
let playing = sounds.call;
let now = 0;
let zoom = 0;

function clockText(seconds, digits = 1) {
  const units = Math.round(seconds * 10 ** digits);
  const whole = Math.floor(units / 10 ** digits);
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const two = (value) => String(value).padStart(2, "0");
  const text = hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  return digits ? `${text}.${String(units % 10 ** digits).padStart(digits, "0")}` : text;
}

// -- time ---------------------------------------------------------------------------------------

const inSound = (seconds) => Math.max(0, seconds - data.sound_begins_s);
const isPlaying = () => playing && !playing.paused;

function show(seconds, { scroll = true } = {}) {
  now = Math.min(Math.max(0, seconds), data.duration_s);
  byId("clock").textContent = clockText(now);
  seek.value = now;
  seek.setAttribute("aria-valuetext", clockText(now));
  byId("playhead").style.left = `${(100 * now) / data.duration_s}%`;
  if (scroll) keepInView();
  markRow();
}

function goTo(seconds) {
  show(seconds);
  if (playing) playing.currentTime = inSound(now);
}

function keepInView() {
  const x = (now / data.duration_s) * lanes.clientWidth, width = scroller.clientWidth;
  if (x < scroller.scrollLeft || x > scroller.scrollLeft + 0.92 * width) {
    scroller.scrollLeft = x - 0.15 * width;
  }
}

const rows = [...document.querySelectorAll("#moments tbody tr")].map((row) => {
  return { row, t: Number(row.dataset.t), isMinor: row.classList.contains("minor") };
});
let current = null;

function markRow() {
  // Looks at no layout: this runs with every picture while a call plays.
  const shown = byId("all")?.checked;
  let last = null;
  for (const each of rows) {
    if (each.t <= now + 0.005 && (shown || !each.isMinor)) last = each.row;
  }
  if (last === current) return;
  current?.classList.remove("current");
  last?.classList.add("current");
  current = last;
}

function step(direction) {
  const times = data.decisions_s;
  const found = direction > 0
    ? times.find((t) => t > now + 0.005)
    : times.findLast((t) => t < now - (isPlaying() ? 1 : 0.005));
  if (found !== undefined) goTo(found);
}

// -- sound --------------------------------------------------------------------------------------

let context = null;
const levels = {};

function connect() {
  // Both sides in both ears, each as loud as is chosen.
  if (context || !window.AudioContext) return;
  context = new AudioContext();
  const source = context.createMediaElementSource(sounds.call);
  const sides = context.createChannelSplitter(2);
  source.connect(sides);
  ["agent", "line"].forEach((name, side) => {
    levels[name] = context.createGain();
    sides.connect(levels[name], side);
    levels[name].connect(context.destination);
  });
  choose();
}

function choose() {
  const wanted = document.querySelector("#listen input:checked").value;
  const next = wanted === "provider" ? sounds.provider : sounds.call;
  if (levels.agent) {
    levels.agent.gain.value = wanted === "line" ? 0 : 1;
    levels.line.gain.value = wanted === "agent" ? 0 : 1;
  }
  if (next === playing) return;
  const wasPlaying = isPlaying();
  if (wasPlaying) playing.pause();
  playing = next;
  playing.currentTime = inSound(now);
  if (wasPlaying) playing.play();
}

function toggle() {
  if (!playing) return;
  if (isPlaying()) { playing.pause(); return; }
  connect();
  if (context) context.resume();
  if (now >= data.duration_s - 0.05) goTo(0);
  playing.currentTime = inSound(now);
  playing.play();
}

function follow() {
  if (!isPlaying()) return;
  show(playing.currentTime + data.sound_begins_s);
  requestAnimationFrame(follow);
}

for (const sound of Object.values(sounds).filter(Boolean)) {
  sound.addEventListener("play", () => { byId("play").textContent = "Pause"; follow(); });
  sound.addEventListener("pause", () => { byId("play").textContent = "Play"; });
}
if (playing) {
  byId("play").disabled = false;
  byId("play").addEventListener("click", toggle);
  byId("listen").addEventListener("change", choose);
}

// -- picture ------------------------------------------------------------------------------------

function drawRuler() {
  lanes.style.setProperty("--seen", `${scroller.clientWidth}px`);
  const wide = Math.max(1, lanes.clientWidth), least = (data.duration_s * 74) / wide;
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  const every = steps.find((each) => each >= least) || 7200;
  const ticks = document.createDocumentFragment();
  for (let n = 0; n * every < data.duration_s - least / 2; n += 1) {
    const tick = document.createElement("span");
    tick.style.left = `${(100 * n * every) / data.duration_s}%`;
    tick.textContent = clockText(n * every, every < 1 ? 1 : 0);
    ticks.append(tick);
  }
  byId("ruler").replaceChildren(ticks);
}

function setZoom(level) {
  zoom = Math.min(Math.max(0, level), zooms.length - 1);
  lanes.style.width = `${100 * zooms[zoom]}%`;
  byId("scale").textContent = zoom ? `${zooms[zoom]} times` : "whole call";
  byId("out").disabled = zoom === 0;
  byId("in").disabled = zoom === zooms.length - 1;
  drawRuler();
  scroller.scrollLeft = (now / data.duration_s) * lanes.clientWidth - scroller.clientWidth / 2;
}

lanes.addEventListener("click", (event) => {
  const box = lanes.getBoundingClientRect();
  goTo(((event.clientX - box.left) / box.width) * data.duration_s);
});
byId("in").addEventListener("click", () => setZoom(zoom + 1));
byId("out").addEventListener("click", () => setZoom(zoom - 1));
byId("next").addEventListener("click", () => step(1));
byId("previous").addEventListener("click", () => step(-1));
seek.addEventListener("input", () => goTo(Number(seek.value)));
for (const button of document.querySelectorAll(".jump")) {
  button.addEventListener("click", () => goTo(Number(button.dataset.t)));
}
const all = byId("all");
if (all) {
  all.addEventListener("change", () => {
    byId("moments").classList.toggle("all", all.checked);
    markRow();
  });
}
window.addEventListener("resize", drawRuler);

const keys = {
  " ": toggle,
  ArrowLeft: () => goTo(now - 1),
  ArrowRight: () => goTo(now + 1),
  n: () => step(1),
  p: () => step(-1),
  "+": () => setZoom(zoom + 1),
  "-": () => setZoom(zoom - 1),
};
document.addEventListener("keydown", (event) => {
  const isTaken = event.target.closest("input, button, summary");
  if (isTaken || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

setZoom(0);
show(0);
