/** The desk's requests: one function each, and one kind of error that says what went wrong. */

/**
 * @typedef {{key: string, value: string, rule: string, source?: string}} Problem
 */

/** What the server refused, or why it was not reached; `message` is for the operator. */
export class DeskError extends Error {
  /**
   * @param {string} code Of the server; `unreachable` where there was no answer.
   * @param {string} message
   * @param {Problem[]} [problems]
   */
  constructor(code, message, problems = []) {
    super(message);
    this.code = code;
    this.problems = problems;
  }
}

const UNREACHABLE = { TimeoutError: "The desk's server does not answer." };

/** Told when the server asks for the login: `login_needed` events. */
export const sessions = new EventTarget();

const PATIENCE_MS = 30_000;

async function request(method, path, body) {
  const headers = { Accept: "application/json" };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const options = { method, headers, cache: "no-store", signal };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    throw new DeskError("unreachable", UNREACHABLE[error.name] ?? "The desk's server can't be reached.");
  }
  const answer = await parsed(response);
  if (response.ok) return answer;
  const { code = "failed", message = "", problems = [] } = answer?.error ?? {};
  if (code === "login_needed") sessions.dispatchEvent(new Event("login_needed"));
  throw new DeskError(code, message || `The server answered with ${response.status}.`, problems);
}

async function parsed(response) {
  try {
    return await response.json();
  } catch {
    return null; // 204, or a proxy's own page
  }
}

const get = (path) => request("GET", path);
const post = (path, body = {}) => request("POST", path, body);
const part = encodeURIComponent;

export const api = {
  session: () => get("/api/session"),
  login: (token) => post("/api/login", { token }),
  logout: () => post("/api/logout"),
  overview: () => get("/api/overview"),
  calls: () => get("/api/calls"),
  call: (id) => get(`/api/calls/${part(id)}`),
  hangUp: (id) => post(`/api/calls/${part(id)}/hangup`),
  thresholds: () => get("/api/thresholds"),
  checkThresholds: (changes) => post("/api/thresholds/check", { changes }),
  applyThresholds: (changes, revision) => post("/api/thresholds/apply", { changes, revision }),
  history: () => get("/api/thresholds/history"),
  undo: (id) => post("/api/thresholds/undo", { id }),
  startPreview: (changes, minutes) => post("/api/preview", { changes, minutes }),
  preview: (id) => get(`/api/preview/${part(id)}`),
  cancelPreview: (id) => request("DELETE", `/api/preview/${part(id)}`),
  recordings: () => get("/api/recordings"),
  reportUrl: (id) => `/recordings/${part(id)}/report`,
};
