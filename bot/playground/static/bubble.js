// Draws one message: text, photo, document, quote, caption, time and ticks. Knows the shapes of the Bot API's Message;
// knows nothing of lists, scrolling or the network beyond a file's address.

import { fileAddress } from "./api.js";
import { avatar, fullName, h, icon, iconButton, nameOf } from "./dom.js";
import { rich } from "./entities.js";
import { clock, fileSize, t } from "./i18n.js";
import { keyboard } from "./keyboard.js";
import { openPhoto } from "./dialogs.js";
import { isGroup, store } from "./store.js";

/**
 * What a bubble may ask for.
 * @typedef {Object} Acts
 * @property {(message: object, button: object, element: HTMLElement) => void} tap
 * @property {(message: object) => void} reply
 * @property {(id: number) => void} jump
 * @property {(command: string) => void} command
 */

const MAX_WIDTH = 420; // CSS pixels of a photo at most
const MAX_HEIGHT = 440;
const MIN_WIDTH = 120;
const CAPTION_WIDTH = 260; // a small photo gets as much room as the words under it need
const FADE = 320; // ms; a little more than a photo takes to fade in

/**
 * The row of a message: avatar (groups), bubble, keyboard.
 * @param {object} message @param {Acts} acts
 */
export function row(message, acts) {
  const service = serviceText(message);
  if (service) return h("div", { class: "service", data: { id: message.message_id } }, h("span", { class: "pill" }, service));
  const mine = message.from?.id === store.me;
  const grouped = isGroup(store.chat);
  const name = senderName(message);
  const element = h("article", { class: `row ${mine ? "mine" : "theirs"}${grouped ? " in-group" : ""}`, data: { id: message.message_id }, "aria-label": mine ? t("you") : name });
  if (grouped && !mine) element.append(avatar({ id: message.from?.id, name, bot: message.from?.is_bot }, "small"));
  element.append(h("div", { class: "stack" }, bubble(message, acts, { mine, grouped, name }), keyboard(message, acts.tap)), replyButton(message, name, acts));
  element.addEventListener("dblclick", (event) => event.target.closest("button, a, img") || acts.reply(message));
  return element;
}

/** Draws an edited message into its row: the bubble changes its content and size, the row and the focus stay. */
export function redraw(element, message, acts) {
  const fresh = row(message, acts);
  const [stack, newStack] = [element.querySelector(".stack"), fresh.querySelector(".stack")];
  if (!stack || !newStack) return element.replaceChildren(...fresh.childNodes);
  const [oldBubble, newBubble] = [stack.querySelector(".bubble"), newStack.querySelector(".bubble")];
  keepPicture(oldBubble, newBubble);
  oldBubble.className = newBubble.className;
  oldBubble.replaceChildren(...newBubble.childNodes);
  replaceKeyboard(stack, newStack);
  return undefined;
}

/** A text that the server does not have yet. @param {object} entry @param {{retry: Function, drop: Function}} acts */
export function pendingRow(entry, acts) {
  const bubbleElement = h("div", { class: "bubble" }, h("div", { class: "text", dir: "auto", data: { time: clock(entry.date) } }, entry.text),
    h("span", { class: "meta" }, h("time", {}, clock(entry.date)), icon(entry.failed ? "warn" : "clock", "tick"), h("span", { class: "sr-only" }, t(entry.failed ? "notSent" : "sending"))));
  const element = h("article", { class: `row mine pending${entry.failed ? " failed" : ""}`, "aria-label": t("you") }, h("div", { class: "stack" }, bubbleElement));
  if (entry.failed) {
    const again = h("button", { type: "button", class: "link-button", on: { click: () => acts.retry(entry) } }, t("retry"));
    const drop = h("button", { type: "button", class: "link-button", on: { click: () => acts.drop(entry) } }, t("cancel"));
    element.querySelector(".stack").append(h("p", { class: "failure" }, t("notSent"), " ", again, drop));
  }
  return element;
}

/** One line about a message for chat lists, quotes and announcements. @param {object|undefined} message */
export function summary(message) {
  if (!message) return "";
  const service = serviceText(message);
  if (service) return service;
  const words = message.text ?? message.caption ?? "";
  const kind = message.photo ? t("photo") : message.document ? message.document.file_name ?? t("document") : "";
  return [kind, words].filter(Boolean).join(": ").replace(/\s+/gu, " ").slice(0, 160) || t("unsupported", kindOf(message));
}

/** Who wrote it, in words. */
export function senderName(message) {
  return message.from ? fullName(message.from) : message.chat.title ?? "";
}

function bubble(message, acts, { mine, grouped, name }) {
  const parts = [];
  if (grouped && !mine) parts.push(h("p", { class: `sender tint-text-${Math.abs(message.from?.id ?? 0) % 7}` }, nameOf(name)));
  if (message.reply_to_message) parts.push(quote(message.reply_to_message, acts));
  if (message.photo) parts.push(photo(message));
  if (message.document) parts.push(documentCard(message.document));
  parts.push(...words(message, acts, mine));
  const bare = message.photo && !message.caption;
  return h("div", { class: `bubble${message.photo ? " with-photo" : ""}${bare ? " bare" : ""}` }, parts);
}

function words(message, acts, mine) {
  const text = message.text ?? message.caption;
  const entities = message.entities ?? message.caption_entities;
  const known = text !== undefined || message.photo || message.document;
  const body = known ? text : t("unsupported", kindOf(message));
  const meta = metaOf(message, mine);
  if (!body) return [meta];
  return [h("div", { class: `text${known ? "" : " unsupported"}${endsLeft(body) ? " ends-left" : ""}`, dir: "auto", data: { time: stampOf(message, mine) } }, rich(body, known ? entities : [], { onCommand: acts.command })), meta];
}

/** Does the last line run from right to left? Then the time cannot stand at its end. */
function endsLeft(text) {
  const strong = text.slice(text.lastIndexOf("\n") + 1).match(/[\p{L}\u200f\u202b\u202e\u2067]/u)?.[0] ?? "";
  return /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\u200f\u202b\u202e\u2067]/u.test(strong);
}

/** What the time line says, for the room it needs. */
function stampOf(message, mine) {
  return message.edit_date && mine ? `${t("edited")} ${clock(message.date)}` : clock(message.date);
}

function metaOf(message, mine) {
  const moment = new Date(message.date * 1000);
  const time = h("time", { datetime: moment.toISOString(), title: moment.toLocaleString(document.documentElement.lang) }, clock(message.date));
  // A bot edits its own status all the time; "edited" would be noise there, as in Telegram's inline results.
  const edited = message.edit_date && mine ? h("span", {}, t("edited")) : null;
  return h("span", { class: "meta" }, edited, time, mine ? tick(message) : null);
}

/** One tick: sent. Two: the bot has reacted since, so it has read this. */
function tick(message) {
  const seen = [...store.chat.messages.values()].some((other) => other.from?.is_bot && other.message_id > message.message_id);
  return [icon(seen ? "checks" : "check", "tick"), h("span", { class: "sr-only" }, t(seen ? "seen" : "delivered"))];
}

function quote(quoted, acts) {
  const name = quoted.from?.id === store.me ? t("you") : senderName(quoted);
  return h("button", { type: "button", class: `quote tint-text-${Math.abs(quoted.from?.id ?? 0) % 7}`, on: { click: () => acts.jump(quoted.message_id) } }, nameOf(name, "quote-name"), h("span", { class: "quote-text", dir: "auto" }, summary(quoted)));
}

function photo(message) {
  const largest = message.photo.at(-1);
  const image = h("img", { src: fileAddress(largest.file_id), alt: message.caption ?? t("photo"), width: largest.width, height: largest.height, decoding: "async", draggable: "false", data: { file: largest.file_unique_id } });
  const frame = h("button", { type: "button", class: `photo${message.has_media_spoiler ? " veiled" : ""}`, "aria-label": `${t("openPhoto")}${message.caption ? `: ${summary(message)}` : ""}`, "aria-haspopup": "dialog" }, image);
  const scale = Math.min(1, MAX_WIDTH / largest.width, MAX_HEIGHT / largest.height);
  // The box is known before the bytes are there: nothing jumps when the picture arrives.
  frame.style.setProperty("--ratio", `${largest.width} / ${largest.height}`);
  frame.style.setProperty("--width", `${Math.max(message.caption ? CAPTION_WIDTH : MIN_WIDTH, Math.round(largest.width * scale))}px`);
  frame.addEventListener("click", () => (frame.classList.contains("veiled") ? frame.classList.remove("veiled") : openPhoto(image.src, message.caption ?? "", frame)));
  // A picture already in the browser's cache is shown at once; only one that still travels fades in.
  if (!image.complete) frame.classList.add("coming");
  for (const event of ["load", "error"]) image.addEventListener(event, () => frame.classList.remove("coming"));
  image.addEventListener("error", () => frame.classList.add("broken"));
  return frame;
}

function documentCard(file) {
  const name = file.file_name ?? t("document");
  return h("a", { class: "document", href: fileAddress(file.file_id), download: name, "aria-label": `${t("download")}: ${name}` }, h("span", { class: "document-icon" }, icon("file")),
    h("span", { class: "document-words" }, nameOf(name, "document-name"), h("span", { class: "document-size" }, file.file_size ? fileSize(file.file_size) : "")));
}

function replyButton(message, name, acts) {
  return iconButton("reply", t("replyTo", name.slice(0, 60)), () => acts.reply(message), { class: "icon-button reply-button" });
}

/** A service line such as "joined", or nothing for an ordinary message. */
function serviceText(message) {
  const who = senderName(message);
  if (message.group_chat_created || message.supergroup_chat_created) return t("groupCreated", who);
  if (message.new_chat_members) return t("joined", message.new_chat_members.map(fullName).join(", "));
  if (message.left_chat_member) return t("left", fullName(message.left_chat_member));
  if (message.pinned_message) return t("pinned");
  return "";
}

function kindOf(message) {
  const common = new Set(["message_id", "date", "edit_date", "chat", "from", "reply_markup", "reply_to_message", "entities"]);
  return Object.keys(message).find((key) => !common.has(key)) ?? "?";
}

/** The same photo with a new caption keeps its element; another photo fades in over the one before: no flicker. */
function keepPicture(oldBubble, newBubble) {
  const [old, fresh] = [oldBubble.querySelector(".photo"), newBubble.querySelector(".photo")];
  if (!old || !fresh) return;
  if (old.querySelector("img").dataset.file === fresh.querySelector("img").dataset.file) return fresh.replaceWith(old);
  keepSize(old, fresh);
  fadeOver([...old.querySelectorAll("img")].find((image) => image.complete && image.naturalWidth), fresh);
}

/** A picture that is seen growing begins small; of the same shape, none is drawn smaller than the one before. */
function keepSize(old, fresh) {
  const [before, after] = [old, fresh].map((frame) => ({ width: parseFloat(frame.style.getPropertyValue("--width")), ratio: ratioOf(frame) }));
  if (Math.abs(before.ratio / after.ratio - 1) < 0.02 && before.width > after.width) fresh.style.setProperty("--width", `${before.width}px`);
}

function ratioOf(frame) {
  const [width, height] = frame.style.getPropertyValue("--ratio").split("/").map(Number);
  return width / height;
}

/** Keeps a picture in sight under the one that is still on its way. */
function fadeOver(before, fresh) {
  const image = fresh.querySelector("img");
  if (!before || image.complete) return;
  before.className = "before";
  before.alt = "";
  before.decoding = "sync"; // it was on the screen a moment ago and stays there
  fresh.append(before);
  const gone = () => setTimeout(() => before.remove(), FADE);
  for (const event of ["load", "error"]) image.addEventListener(event, gone, { once: true });
}

function replaceKeyboard(stack, newStack) {
  const [old, fresh] = [stack.querySelector(".keyboard"), newStack.querySelector(".keyboard")];
  if (old && fresh && old.dataset.markup === fresh.dataset.markup) return; // same buttons: focus and spinners stay
  const focused = old ? [...old.querySelectorAll("button, a")].indexOf(document.activeElement) : -1;
  old?.remove();
  if (!fresh) return void (focused >= 0 && document.getElementById("composer-text")?.focus());
  stack.append(fresh);
  const buttons = fresh.querySelectorAll("button, a");
  if (focused >= 0) buttons[Math.min(focused, buttons.length - 1)]?.focus({ preventScroll: true });
}
