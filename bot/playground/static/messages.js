// The list of the open chat: which rows stand in it, day lines between them, where it is scrolled to. Redraws only
// what changed. Knows the store and bubbles; sends nothing.

import { calm, fill, h, icon } from "./dom.js";
import { pendingRow, redraw, row, senderName, summary } from "./bubble.js";
import { day, t } from "./i18n.js";
import { isGroup, lastMessage, store } from "./store.js";
import { suggestions } from "./welcome.js";

const WINDOW = 120; // messages drawn at first; older ones on request
const NEAR_END = 90; // CSS pixels: a reader this close to the end wants to follow
const SAME_RUN = 300; // seconds: messages of one author closer than this stand together

const scroller = document.getElementById("scroller");
const list = document.getElementById("messages");
const toEnd = document.getElementById("to-end");
const announcer = document.getElementById("announcer");

/** @type {Map<number, {element: HTMLElement, message: object}>} */
let rows = new Map();
let shown = WINDOW;
let unseen = 0;
let follow = true; // the reader is, or is being taken, at the end
let acts;

/** Draws and follows the open chat. @param {import("./bubble.js").Acts & {retry: Function, drop: Function, suggest: Function}} given */
export function startMessages(given) {
  acts = { ...given, jump };
  store.addEventListener("open", () => reopen());
  store.addEventListener("messages", ({ detail }) => detail.chat === store.current && onChange(detail));
  scroller.addEventListener("scroll", onScroll, { passive: true });
  toEnd.addEventListener("click", () => scrollToEnd(true));
  // A shrinking viewport (the phone's keyboard, a growing composer) must not hide the newest message.
  new ResizeObserver(() => follow && scrollToEnd()).observe(scroller);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && atEnd() && seen());
}

/** Draws the open chat from nothing: another chat, another learner, another language. */
export function reopen() {
  rows = new Map();
  shown = WINDOW;
  unseen = 0;
  list.replaceChildren();
  // A whole history is no news: it is drawn silently, then the log speaks again.
  list.setAttribute("aria-live", "off");
  draw();
  scrollToEnd();
  requestAnimationFrame(() => list.setAttribute("aria-live", "polite"));
}

/** Draws what changed in the open chat without moving the reader; after a reconnect, for example. */
export function refresh() {
  draw();
  if (follow) scrollToEnd();
}

function onChange({ kind, id }) {
  // Not "is at the end now": while the list still glides there, the next message already comes.
  const following = follow || atEnd();
  const message = store.chat?.messages.get(id);
  if (kind === "edit") edit(message);
  draw(kind === "new" || kind === "pending");
  const mine = kind === "pending" || message?.from?.id === store.me;
  if (following || mine) scrollToEnd(kind !== "edit");
  else if (kind === "new") unseen += 1;
  mark();
}

/** Rows, day lines and the empty page in their order; elements that exist stay. */
function draw(arriving = false) {
  const chat = store.chat;
  if (!chat) return;
  const all = [...chat.messages.values()].sort((a, b) => a.message_id - b.message_id);
  const visible = all.slice(-shown);
  const nodes = visible.length < all.length ? [earlierButton()] : [];
  let before = null;
  for (const message of visible) {
    if (!before || day(before.date) !== day(message.date)) nodes.push(dayLine(message.date));
    nodes.push(rowOf(message, arriving));
    before = message;
  }
  nodes.push(...chat.pending.map((entry) => pendingRow(entry, acts)));
  if (!nodes.length) nodes.push(emptyPage(chat));
  for (const id of rows.keys()) if (!chat.messages.has(id)) rows.delete(id);
  settle(nodes);
  joinRuns(visible);
}

/** Makes the list's children be `nodes`, moving none that already stands right (a moved node loses the focus). */
function settle(nodes) {
  const wanted = new Set(nodes);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, at) => {
    if (list.children[at] !== node) list.insertBefore(node, list.children[at] ?? null);
  });
}

function rowOf(message, arriving) {
  const known = rows.get(message.message_id);
  if (known?.message === message) {
    refreshTick(known, message);
    return known.element;
  }
  if (known) {
    redraw(known.element, message, acts);
    known.message = message;
    return known.element;
  }
  const element = row(message, acts);
  if (arriving && !calm()) element.classList.add("arriving");
  rows.set(message.message_id, { element, message });
  return element;
}

/** The second tick comes with the bot's first reaction, without the message itself changing. */
function refreshTick(known, message) {
  if (message.from?.id !== store.me || known.seen) return;
  known.seen = [...store.chat.messages.values()].some((other) => other.from?.is_bot && other.message_id > message.message_id);
  if (known.seen && known.element.querySelector(".tick")) redraw(known.element, message, acts);
}

/** Changes a bubble in place; its size glides, and a picture that replaces a text is announced. */
function edit(message) {
  const known = rows.get(message.message_id);
  if (!known) return;
  const old = known.element.querySelector(".bubble");
  const before = old?.getBoundingClientRect();
  const becamePicture = message.photo && !known.message.photo;
  redraw(known.element, message, acts);
  known.message = message;
  if (becamePicture) announcer.textContent = t("picture", message.caption ?? "");
  if (old && before) glide(old, before, becamePicture);
}

function glide(element, before, strong) {
  const after = element.getBoundingClientRect();
  if (calm() || !element.animate || Math.abs(after.height - before.height) + Math.abs(after.width - before.width) < 8) return;
  const frames = [{ width: `${before.width}px`, height: `${before.height}px` }, { width: `${after.width}px`, height: `${after.height}px` }];
  const motion = element.animate(frames, { duration: strong ? 320 : 160, easing: "cubic-bezier(.2,.8,.2,1)" });
  element.classList.add("gliding");
  motion.finished.catch(() => {}).then(() => {
    element.classList.remove("gliding");
    if (follow) scrollToEnd();
  });
  if (follow) keepAtEnd(motion);
}

/** While a bubble grows at the end of the list, the end stays in sight. */
function keepAtEnd(motion) {
  const step = () => {
    if (motion.playState !== "running" || !follow) return;
    scroller.scrollTop = scroller.scrollHeight;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

/** Messages of one author in a row stand closer; only the last one has a tail and an avatar. */
function joinRuns(visible) {
  visible.forEach((message, at) => {
    const element = rows.get(message.message_id)?.element;
    element?.classList.toggle("first", !sameRun(visible[at - 1], message));
    element?.classList.toggle("last", !sameRun(message, visible[at + 1]));
  });
}

function sameRun(a, b) {
  return Boolean(a && b) && a.from?.id === b.from?.id && b.date - a.date < SAME_RUN && day(a.date) === day(b.date);
}

function dayLine(seconds) {
  return h("div", { class: "day", role: "separator" }, h("span", { class: "pill" }, day(seconds)));
}

function earlierButton() {
  const more = () => {
    const fromEnd = scroller.scrollHeight - scroller.scrollTop;
    shown += WINDOW;
    draw();
    scroller.scrollTop = scroller.scrollHeight - fromEnd;
  };
  return h("div", { class: "day" }, h("button", { type: "button", class: "pill pill-button", on: { click: more } }, t("earlier")));
}

function emptyPage(chat) {
  const image = h("img", { class: "empty-seal", src: "/static/bot.svg", alt: "" });
  if (isGroup(chat)) return h("section", { class: "empty" }, image, h("h2", {}, chat.title ?? ""), h("p", {}, t("emptyGroup")));
  return h("section", { class: "empty" }, image, h("h2", {}, t("emptyTitle")), h("p", {}, t("emptyText")), h("p", { class: "empty-try" }, t("tryThese")), suggestions(acts.suggest));
}

/** Goes to a quoted message and lights it up. */
function jump(id) {
  if (store.chat?.messages.has(id) && !rows.get(id)?.element.isConnected) {
    shown = store.chat.messages.size;
    draw();
  }
  const element = rows.get(id)?.element;
  element?.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
  element?.classList.add("lit");
  setTimeout(() => element?.classList.remove("lit"), 1_400);
}

function atEnd() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
}

function scrollToEnd(smooth = false) {
  follow = true;
  const near = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < scroller.clientHeight * 2;
  scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth && near && !calm() ? "smooth" : "instant" });
  seen();
  mark();
}

let lastTop = 0;

function onScroll() {
  const up = scroller.scrollTop < lastTop;
  lastTop = scroller.scrollTop;
  // Only the reader scrolls up; a list that grew while gliding down still follows.
  if (atEnd()) {
    follow = true;
    seen();
  } else if (up) follow = false;
  mark();
}

function seen() {
  unseen = 0;
  if (document.visibilityState === "visible") store.markRead(store.current);
}

function mark() {
  toEnd.hidden = atEnd() || follow;
  const label = unseen ? t("newMessages", unseen) : t("toEnd");
  toEnd.setAttribute("aria-label", label);
  toEnd.title = label;
  fill(toEnd, icon("down"), unseen ? h("span", { class: "badge" }, String(unseen)) : null);
}

/** The line that a chat list shows for a chat. @param {import("./store.js").Chat} chat */
export function preview(chat) {
  const newest = lastMessage(chat);
  if (!newest) return t("noMessages");
  const who = newest.from?.id === store.me ? t("you") : isGroup(chat) ? senderName(newest) : "";
  return who ? `${who}: ${summary(newest)}` : summary(newest);
}
