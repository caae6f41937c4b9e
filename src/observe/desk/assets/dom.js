/** Elements from one expression, and text that says numbers the same way everywhere. */

/**
 * Return a new element.
 *
 * @param {string} name
 * @param {Record<string, any>} [properties] `class`, `data` (an object), `on` (handlers by event),
 *   properties of the element, or attributes where it has no property of that name.
 * @param {...(Node | string | number | null | undefined | false)} children Nothing is left out.
 * @returns {any}
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) setProperty(element, key, value);
  append(element, children);
  return element;
}

function setProperty(element, key, value) {
  if (value === undefined || value === null) return;
  if (key === "class") element.className = value;
  else if (key === "data") Object.assign(element.dataset, value);
  else if (key === "on")
    for (const [event, f] of Object.entries(value)) element.addEventListener(event, f);
  else if (!key.includes("-") && key in element && key !== "list") element[key] = value;
  else element.setAttribute(key, value === true ? "" : String(value));
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Put other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/**
 * Put other children into an element, and keep the nodes that are there where they are of the same
 * kind: the focus, a selected text and the place that one has scrolled to stay. Not for children
 * that listen to events.
 */
export function update(element, ...children) {
  const wanted = document.createElement(element.tagName);
  append(wanted, children);
  patch(element, wanted);
  return element;
}

function patch(there, wanted) {
  const [old, next] = [[...there.childNodes], [...wanted.childNodes]];
  next.forEach((node, n) => {
    if (n >= old.length) there.append(node);
    else if (old[n].nodeName !== node.nodeName) old[n].replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) {
      if (old[n].data !== node.data) old[n].data = node.data;
    } else {
      patchAttributes(old[n], node);
      patch(old[n], node);
    }
  });
  for (const node of old.slice(next.length)) node.remove();
}

function patchAttributes(there, wanted) {
  for (const { name, value } of wanted.attributes)
    if (there.getAttribute(name) !== value) there.setAttribute(name, value);
  for (const { name } of [...there.attributes])
    if (!wanted.hasAttribute(name)) there.removeAttribute(name);
}

/** Set a text only where it differs: what does not change costs no layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** `1:07` or `1:02:07`. */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const pair = (n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0
    ? `${hours}:${pair(minutes)}:${pair(seconds % 60)}`
    : `${minutes}:${pair(seconds % 60)}`;
}

/** A level as people read it; null where nothing is known. */
export function level(dbfs) {
  if (dbfs === null || dbfs === undefined || !Number.isFinite(dbfs)) return "–";
  return `${minus(dbfs.toFixed(0))} dBFS`;
}

/** A number with a true minus sign. */
export function minus(text) {
  return String(text).replace("-", "−");
}

/** A time of day, from an ISO text or a number of ms. */
export function timeOfDay(when) {
  return new Date(when).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** Time of day of what was today, else date and time. */
export function lately(when) {
  const isToday = new Date(when).toDateString() === new Date().toDateString();
  return isToday ? timeOfDay(when) : dateAndTime(when);
}

/** Date and time, from an ISO text. */
export function dateAndTime(when) {
  return new Date(when).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** `1 call`, `2 calls`. */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

/** Tell everybody something once, on the screen and to who listens. */
export function announce(text, kind = "good") {
  const toast = h("p", { class: "toast", data: { kind } }, text);
  const toasts = document.querySelector("#toasts");
  toasts.append(toast);
  while (toasts.childElementCount > 3) toasts.firstElementChild.remove();
  setTimeout(() => toast.remove(), kind === "bad" ? 20_000 : 8000);
}
