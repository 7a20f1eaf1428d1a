// The page's memory: people, chats, messages, what is typed and what was read. Changes only through the functions here
// and tells its listeners what changed. Knows neither the network nor the page's elements.

/**
 * @typedef {Object} Chat
 * @property {number} id Equal to the learner's id in a private chat.
 * @property {"private"|"group"|"supergroup"} type
 * @property {string} [title]
 * @property {number[]} [members]
 * @property {Map<number, object>} messages Bot API messages by `message_id`.
 * @property {import("./api.js").Command[]} commands The bot's menu for this learner here.
 * @property {object[]} pending Texts on their way to the server, or refused.
 */

const KEPT_EVENTS = 500; // more than can happen while a state is on its way
const TYPING_LASTS = 5_000; // ms, as Telegram shows a chat action

class Store extends EventTarget {
  online = true;
  sequence = 0;
  /** @type {import("./api.js").Person|null} */ bot = null;
  /** @type {import("./api.js").Person[]} */ learners = [];
  me = 0;
  /** @type {Map<number, Chat>} */ chats = new Map();
  current = 0;
  /** @type {Map<number, {action: string, timer: number}>} */ typing = new Map();
  #local = 0;
  /** @type {object[]} */ #recent = [];

  /** The learner the page writes as. @returns {import("./api.js").Person} */
  get learner() {
    return this.learners.find((person) => person.id === this.me) ?? { id: this.me, first_name: "" };
  }

  /** The open chat, or undefined while loading. */
  get chat() {
    return this.chats.get(this.current);
  }

  /** Tells listeners. @param {"people"|"chats"|"messages"|"typing"|"line"|"open"} what @param {object} [detail] */
  tell(what, detail = {}) {
    this.dispatchEvent(new CustomEvent(what, { detail }));
  }

  /** Takes the answer of GET /sim/session. */
  setSession(session) {
    this.bot = session.bot ?? this.bot;
    this.learners = session.learners ?? this.learners;
    this.tell("people");
  }

  /** Takes the answer of GET /sim/state for the learner the page writes as. */
  setState(learner, state) {
    const old = this.me === learner ? this.chats : new Map();
    this.me = learner;
    this.bot = state.bot ?? this.bot;
    this.sequence = state.seq;
    this.chats = new Map(state.chats.map((chat) => [chat.id, asChat(chat, old.get(chat.id))]));
    // What happened after the server read this state, but before it arrived, must not be lost to the older picture.
    for (const event of this.#recent) if (event.seq > state.seq) this.#replay(event);
    this.tell("people");
    this.tell("chats");
  }

  /** Keeps a live event's number, and the event itself for a while. @param {object} event */
  note(event) {
    if (event.type === "hello") return;
    this.sequence = Math.max(this.sequence, event.seq);
    this.#recent.push(event);
    if (this.#recent.length > KEPT_EVENTS) this.#recent.shift();
  }

  #replay(event) {
    const messages = this.chats.get(event.chat)?.messages;
    if (event.type === "message" || event.type === "edit") messages?.set(event.message.message_id, event.message);
    else if (event.type === "delete") event.messages.forEach((id) => messages?.delete(id));
    this.sequence = Math.max(this.sequence, event.seq);
  }

  /** A learner was added or changed. @param {import("./api.js").Person} learner */
  putLearner(learner) {
    const at = this.learners.findIndex((person) => person.id === learner.id);
    if (at < 0) this.learners.push(learner);
    else this.learners[at] = learner;
    this.tell("people");
  }

  /** Opens a chat; an unknown one falls back to the private chat with the bot. */
  open(id) {
    this.current = this.chats.has(id) ? id : this.me;
    this.tell("open");
  }

  /** A new or edited message. @returns {"new"|"edit"|"unknown"} */
  put(message, chatId = message.chat.id) {
    const chat = this.chats.get(chatId);
    if (!chat) return "unknown";
    const kind = chat.messages.has(message.message_id) ? "edit" : "new";
    chat.messages.set(message.message_id, message);
    if (kind === "new") this.#settle(chat, message);
    else if (message.photo || message.document) this.setTyping(chat.id, ""); // what was announced has arrived
    this.tell("messages", { chat: chatId, id: message.message_id, kind });
    return kind;
  }

  /** Forgets a deleted message. */
  drop(chatId, id) {
    if (this.chats.get(chatId)?.messages.delete(id)) this.tell("messages", { chat: chatId, id, kind: "delete" });
  }

  /** Shows a text at once, before the server has it. @returns {object} The pending entry. */
  addPending(chatId, text, replyTo) {
    this.#local += 1;
    const entry = { local: this.#local, text, replyTo, date: Date.now() / 1000, failed: false };
    this.chats.get(chatId)?.pending.push(entry);
    this.tell("messages", { chat: chatId, kind: "pending" });
    return entry;
  }

  /** The server has the text (or the reader gave it up). */
  removePending(chatId, entry) {
    const chat = this.chats.get(chatId);
    if (!chat?.pending.includes(entry)) return;
    chat.pending.splice(chat.pending.indexOf(entry), 1);
    this.tell("messages", { chat: chatId, kind: "pending" });
  }

  /** The text did not reach the server. */
  failPending(chatId, entry) {
    entry.failed = true;
    this.tell("messages", { chat: chatId, kind: "pending" });
  }

  /** A chat action; it fades by itself, as Telegram's does. */
  setTyping(chatId, action) {
    clearTimeout(this.typing.get(chatId)?.timer);
    if (action) this.typing.set(chatId, { action, timer: setTimeout(() => this.setTyping(chatId, ""), TYPING_LASTS) });
    else this.typing.delete(chatId);
    this.tell("typing", { chat: chatId });
  }

  /** The line to the server came up or went down. */
  setOnline(online) {
    if (this.online === online) return;
    this.online = online;
    this.tell("line");
  }

  /** How many of the bot's and others' messages came after the last one read here. @param {Chat} chat */
  unread(chat) {
    const mark = readMark(this.me, chat.id);
    return [...chat.messages.values()].filter((message) => message.message_id > mark && message.from?.id !== this.me).length;
  }

  /** Marks a chat read up to its newest message. */
  markRead(chatId) {
    const newest = lastMessage(this.chats.get(chatId));
    if (!newest || newest.message_id <= readMark(this.me, chatId)) return;
    remember(`read.${this.me}.${chatId}`, newest.message_id);
    this.tell("chats");
  }

  /** The optimistic text gives way to the real message. */
  #settle(chat, message) {
    if (message.from?.id !== this.me) return this.setTyping(chat.id, "");
    const at = chat.pending.findIndex((entry) => !entry.failed && entry.text.trim() === (message.text ?? "").trim());
    if (at >= 0) chat.pending.splice(at, 1);
  }
}

export const store = new Store();

/** The newest message of a chat. @param {Chat|undefined} chat */
export function lastMessage(chat) {
  let newest;
  for (const message of chat?.messages.values() ?? []) if (!newest || message.message_id > newest.message_id) newest = message;
  return newest;
}

/** Is this a group of any kind? @param {Chat} chat */
export function isGroup(chat) {
  return chat.type !== "private";
}

/** Reads a small thing this browser remembers (theme, drafts, read marks). */
export function recall(name, otherwise = null) {
  try {
    return JSON.parse(localStorage.getItem(`playground.${name}`)) ?? otherwise;
  } catch {
    return otherwise; // storage forbidden, or written by somebody else
  }
}

/** Remembers a small thing in this browser; null forgets it. */
export function remember(name, value) {
  try {
    if (value === null || value === "") localStorage.removeItem(`playground.${name}`);
    else localStorage.setItem(`playground.${name}`, JSON.stringify(value));
  } catch {
    // Full or forbidden storage costs a draft, not the chat.
  }
}

function readMark(me, chat) {
  return recall(`read.${me}.${chat}`, 0);
}

function asChat(raw, old) {
  const messages = new Map((raw.messages ?? []).map((message) => [message.message_id, message]));
  // The same object stays in place where nothing changed, so that the page redraws only what did.
  for (const [id, message] of messages) {
    const before = old?.messages.get(id);
    if (before && JSON.stringify(before) === JSON.stringify(message)) messages.set(id, before);
  }
  return { ...raw, commands: raw.commands ?? [], messages, pending: old?.pending ?? [] };
}
