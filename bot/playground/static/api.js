// Talks HTTP to the playground's control API (docs/playground.md) and knows its paths and the key header.
// Knows nothing of the page. The key lives in this module's memory only: it is new at every start of the server.

/**
 * @typedef {{id: number, first_name: string, last_name?: string, username?: string, language_code?: string, blocked?: boolean, is_bot?: boolean}} Person
 * @typedef {{command: string, description: string}} Command
 */

/** A refusal of the server or a broken connection (status 0). */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let key = "";

/** The key for the live socket, which cannot carry headers. */
export function currentKey() {
  return key;
}

/** Opens (or renews) the session: who the bot is, who can write, which chats there are. */
export async function openSession() {
  const session = await call("GET", "/sim/session");
  key = session.key;
  return session;
}

/** Everything one learner sees. @param {number} learner */
export function loadState(learner) {
  return call("GET", `/sim/state?learner=${encodeURIComponent(learner)}`);
}

/** @param {{learner: number, chat: number, text: string, reply_to?: number}} message */
export function sendMessage(message) {
  return call("POST", "/sim/message", message);
}

/** @param {{learner: number, chat: number, message: number, data: string}} tap */
export function tapButton(tap) {
  return call("POST", "/sim/tap", tap);
}

/** @param {{first_name: string, username?: string, language_code: string}} learner */
export function addLearner(learner) {
  return call("POST", "/sim/learner", learner);
}

/** @param {{id: number, language_code?: string, blocked?: boolean}} changes */
export function changeLearner(changes) {
  return call("PATCH", "/sim/learner", changes);
}

/** @param {{title: string, members: number[]}} group */
export function createGroup(group) {
  return call("POST", "/sim/group", group);
}

/** Where a photo's or document's bytes are. @param {string} fileId */
export function fileAddress(fileId) {
  return `/sim/file/${encodeURIComponent(fileId)}`;
}

/** Clears chats, learners and files of the playground. */
export function resetAll() {
  return call("POST", "/sim/reset", {});
}

/** A request with the key; a stale key (the server was restarted) is renewed once. */
async function call(method, path, body, renewed = false) {
  const response = await request(method, path, body);
  if (response.ok) return parsed(response);
  if ((response.status === 401 || response.status === 403) && !renewed && path !== "/sim/session") {
    await openSession();
    return call(method, path, body, true);
  }
  throw new ApiError(response.status, await reason(response));
}

async function request(method, path, body) {
  const headers = { "X-Playground-Key": key };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  } catch (error) {
    throw new ApiError(0, String(error));
  }
}

async function parsed(response) {
  const text = await response.text();
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    throw new ApiError(response.status, "The answer is not JSON.");
  }
}

async function reason(response) {
  try {
    const body = await response.json();
    const detail = body.error ?? body.description;
    return typeof detail === "string" ? detail : response.statusText;
  } catch {
    return response.statusText; // a proxy's HTML page says nothing a reader wants
  }
}
