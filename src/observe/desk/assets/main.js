/** The desk: which view is shown, what the bar says of the service, and the login. */

import { api, sessions } from "./api.js";
import { announce, clock, fill, h, plural, setText } from "./dom.js";
import { feed } from "./live_feed.js";
import { mountLogin } from "./login.js";
import { installTheme } from "./theme.js";
import { mountCall } from "./call_detail.js";
import { mountHealth } from "./health.js";
import { mountLive } from "./live.js";
import { mountPhone } from "./phone.js";
import { phone } from "./phone_call.js";
import { poll } from "./polling.js";
import { mountRecordings } from "./recordings.js";
import { mountThresholds } from "./thresholds.js";

const OVERVIEW_EVERY_MS = 5000;

/** Views by the first word of the address; each mounts into an element and returns its undoing. */
const VIEWS = {
  live: { title: "Live calls", mount: mountLive },
  calls: { title: "Call", mount: mountCall, under: "live" },
  phone: { title: "Browser phone", mount: mountPhone },
  thresholds: { title: "Thresholds", mount: mountThresholds },
  recordings: { title: "Recordings", mount: mountRecordings },
  health: { title: "Health", mount: mountHealth },
};

const view = document.querySelector("#view");
let leave = () => {};
let isLoggingIn = false;
let isFirst = true;
let here = null;
let overview = null; // the newest; null where the server was not reached

/** The view may keep people from leaving by returning an object with `mayLeave`. */
function show() {
  const address = location.hash || "#/live";
  if (address === here || isLoggingIn) return;
  if (leave.mayLeave && !leave.mayLeave()) {
    history.replaceState(null, "", here);
    return;
  }
  here = address;
  const [, name, ...rest] = address.split("/");
  const { title, mount, under = name } = VIEWS[name] ?? VIEWS.live;
  leave();
  document.title = `${title} · voxgate desk`;
  for (const link of document.querySelectorAll(".rail a")) {
    if (link.getAttribute("href") === `#/${VIEWS[name] ? under : "live"}`)
      link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  fill(view);
  leave = mount(view, ...rest.map(decoded)) ?? (() => {});
  if (!isFirst) {
    window.scrollTo(0, 0);
    view.focus({ preventScroll: true });
  }
  isFirst = false;
}

/** A part of an address; one that somebody has mistyped stays as it is. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address names the view: a jump within the page must not change it. */
function skipToContent(event) {
  event.preventDefault();
  view.focus();
}

async function askService() {
  try {
    overview = await api.overview();
    tellService();
  } catch (error) {
    overview = null;
    const service = document.querySelector("#service");
    service.dataset.state = "lost";
    service.textContent = error.code === "login_needed" ? "Not logged in" : "Server not reached";
  }
}

/** The number is that of the live list wherever there is one: both are seen side by side. */
function tellService() {
  if (overview === null) return;
  const service = document.querySelector("#service");
  service.dataset.state = overview.state;
  const words = { ready: "Ready", draining: "Draining", starting: "Starting" };
  const { running, max } = overview.calls;
  const shown = feed.isCurrent ? feed.calls.size : running;
  setText(service, `${words[overview.state]} · ${shown} of ${plural(max, "call")}`);
}

function keepServiceTold() {
  const { now } = poll(askService, OVERVIEW_EVERY_MS);
  feed.addEventListener("roster", tellService);
  feed.addEventListener("status", () => feed.status === "idle" && now());
}

/** A call of the own phone is never out of sight. */
function keepPhoneInSight() {
  const link = document.querySelector("#on-call");
  const tell = () => {
    link.hidden = phone.state !== "ready" || here?.startsWith("#/phone");
    if (!link.hidden) setText(link, `On a call ${clock(performance.now() - phone.readyAt)}`);
  };
  phone.addEventListener("state", tell);
  window.addEventListener("hashchange", tell);
  setInterval(() => document.hidden || tell(), 1000);
}

function askForLogin() {
  if (isLoggingIn) return;
  isLoggingIn = true;
  leave();
  leave = () => {};
  mountLogin(view, () => location.reload());
}

async function begin() {
  installTheme(document.querySelector("#theme"));
  document.querySelector(".skip").addEventListener("click", skipToContent);
  sessions.addEventListener("login_needed", askForLogin);
  feed.addEventListener("login_needed", askForLogin);
  try {
    const { login } = await api.session();
    if (login === "needed") return askForLogin();
    if (login === "done") offerLogout();
  } catch (error) {
    announce(error.message, "bad");
  }
  window.addEventListener("hashchange", show);
  keepPhoneInSight();
  show();
  keepServiceTold();
}

function offerLogout() {
  const leaveDesk = () => api.logout().then(() => location.reload());
  const button = h(
    "button",
    { type: "button", class: "quiet theme", on: { click: leaveDesk } },
    "Log out",
  );
  document.querySelector(".bar").append(button);
}

begin();
