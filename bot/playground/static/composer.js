// Where the learner writes: the growing field, drafts, recall with arrow up, the command menu and the quoted reply.
// Hands finished texts to `send`; knows nothing of the network.

import { fill, h, icon, iconButton, nameOf } from "./dom.js";
import { t } from "./i18n.js";
import { senderName, summary } from "./bubble.js";
import { isGroup, recall, remember, store } from "./store.js";

const MAX_ROWS_HEIGHT = 168; // CSS pixels: seven lines, then the field scrolls
const LONGEST = 4096; // UTF-16 units of one Telegram message

const root = document.getElementById("composer");
/** @type {HTMLTextAreaElement} */ let field;
/** @type {HTMLElement} */ let menu;
/** @type {HTMLElement} */ let replyBar;
/** @type {object|null} */ let replied = null;
let picked = -1;
let recalled = -1;
let acts;

/** @param {{send: (text: string, replyTo?: number) => void, unblock: () => void}} given */
export function startComposer(given) {
  acts = given;
  for (const event of ["open", "people"]) store.addEventListener(event, () => build());
  store.addEventListener("messages", ({ detail }) => detail.chat === store.current && onMessage(detail));
  document.addEventListener("keydown", typeAnywhere);
}

/** Quotes a message in the next text. @param {object} message */
export function replyTo(message) {
  replied = message;
  drawReply();
  field?.focus();
}

/** The bot asks and wants its question quoted. @param {object} message @param {string} [placeholder] What to write, in the bot's words. */
export function answerTo(message, placeholder) {
  replied = message;
  drawReply();
  if (field && placeholder) field.placeholder = placeholder;
  focusComposer();
}

/** Puts the cursor into the field, unless a phone's keyboard would jump up uninvited. */
export function focusComposer() {
  if (matchMedia("(hover: hover)").matches) field?.focus({ preventScroll: true });
}

let builtFor = "";

/** Draws the bar that fits the chat: field, START or "unblock". Keeps what is being typed. */
function build() {
  const chat = store.chat;
  if (!chat) return;
  const mode = `${store.me}/${chat.id}/${store.learner.blocked && !isGroup(chat)}/${chat.messages.size > 0}/${document.documentElement.lang}`;
  if (mode === builtFor) return;
  const hadFocus = root.contains(document.activeElement);
  const changedChat = !builtFor.startsWith(`${store.me}/${chat.id}/`);
  builtFor = mode;
  if (changedChat) replied = null;
  if (store.learner.blocked && !isGroup(chat)) fill(root, h("button", { type: "button", class: "bar-button", on: { click: acts.unblock } }, t("unblockBar")));
  else buildField(chat);
  if (hadFocus) field?.focus();
}

function buildField(chat) {
  menu = h("div", { class: "suggestions", id: "suggestions", role: "listbox", "aria-label": t("commands"), hidden: true });
  replyBar = h("div", { class: "reply-bar", hidden: true });
  field = h("textarea", { id: "composer-text", rows: 1, dir: "auto", maxlength: LONGEST, placeholder: t("placeholder"), "aria-label": t("placeholder"), enterkeyhint: "send", autocomplete: "off", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "suggestions", "aria-haspopup": "listbox",
    on: { input: onInput, keydown: onKey, blur: () => closeMenu(150) } });
  const start = !isGroup(chat) && chat.messages.size === 0 ? h("button", { type: "button", class: "start-button", on: { click: () => acts.send("/start") } }, t("start")) : null;
  const line = h("form", { class: "composer-line", on: { submit: onSubmit } }, iconButton("slash", t("commands"), toggleMenu, { class: "icon-button slash-button" }), field, start, h("button", { type: "submit", class: "send-button", "aria-label": t("send"), title: t("send") }, icon("send")));
  fill(root, h("div", { class: "composer-inner" }, menu, replyBar, line));
  field.value = recall(draftName(), "");
  drawReply();
  grow();
}

function onMessage({ kind, id }) {
  build();
  if (kind === "delete" && replied?.message_id === id) cancelReply();
}

function onInput() {
  recalled = -1;
  grow();
  remember(draftName(), field.value);
  store.tell("chats");
  if (/^\/[a-z0-9_]*$/i.test(field.value)) openMenu(field.value.slice(1));
  else closeMenu();
}

function onKey(event) {
  if (event.isComposing) return; // an input method owns Enter and the arrows while it composes
  if (!menu.hidden && menuKey(event)) return void event.preventDefault();
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    submit();
  } else if (event.key === "Escape" && replied) cancelReply();
  else if (event.key === "ArrowUp" || event.key === "ArrowDown") recallOlder(event);
}

/** Arrow up in an empty field brings back what was sent before; arrow down goes forward again. */
function recallOlder(event) {
  if ((field.value && recalled < 0) || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const mine = [...store.chat.messages.values()].filter((message) => message.from?.id === store.me && message.text);
  const sent = [...mine, ...store.chat.pending].map(({ text }) => text).reverse();
  const next = recalled + (event.key === "ArrowUp" ? 1 : -1);
  if (next < -1 || next >= sent.length || (next === -1 && recalled === -1)) return;
  event.preventDefault();
  write(next === -1 ? "" : sent[next]);
  recalled = next;
}

function onSubmit(event) {
  event.preventDefault();
  submit();
}

function submit() {
  const text = field.value.trim();
  if (!text) return;
  const quoted = replied?.message_id;
  write("");
  replied = null;
  drawReply();
  closeMenu();
  field.focus();
  acts.send(text, quoted);
}

/** Puts a text into the field as if it had been typed. @param {string} text */
function write(text) {
  field.value = text;
  recalled = -1;
  remember(draftName(), text);
  store.tell("chats");
  grow();
}

function grow() {
  field.style.setProperty("height", "auto");
  field.style.setProperty("height", `${Math.min(field.scrollHeight, MAX_ROWS_HEIGHT)}px`);
  root.classList.toggle("has-text", field.value.trim() !== "");
}

function drawReply() {
  if (!replyBar) return;
  replyBar.hidden = !replied;
  if (!replied) field.placeholder = t("placeholder"); // a question's own words end with it
  if (!replied) return void replyBar.replaceChildren();
  const name = replied.from?.id === store.me ? t("you") : senderName(replied);
  fill(replyBar, icon("reply"), h("div", { class: "reply-words" }, nameOf(name, "quote-name"), h("span", { class: "quote-text", dir: "auto" }, summary(replied))), iconButton("close", t("cancelReply"), cancelReply));
}

function cancelReply() {
  replied = null;
  drawReply();
  field?.focus();
}

// --- the menu of commands -------------------------------------------------------------------------------------------

function toggleMenu() {
  field.focus();
  if (menu.hidden) openMenu("");
  else closeMenu();
}

function openMenu(prefix) {
  const commands = (store.chat?.commands ?? []).filter(({ command }) => command.startsWith(prefix.toLowerCase()));
  if (!commands.length) return closeMenu();
  picked = prefix ? 0 : -1;
  fill(menu, commands.map(option));
  menu.hidden = false;
  field.setAttribute("aria-expanded", "true");
  return drawPick();
}

function option({ command, description }, at) {
  // mousedown, not click: a click would take the focus from the field first and close the menu.
  const choose = (event) => {
    event.preventDefault();
    run(command);
  };
  return h("div", { class: "suggestion", role: "option", id: `suggestion-${at}`, data: { command }, on: { mousedown: choose } }, avatarMark(), h("b", {}, `/${command}`), h("span", { dir: "auto" }, description));
}

function avatarMark() {
  return h("img", { class: "avatar tiny", src: "/static/bot.svg", alt: "" });
}

function menuKey(event) {
  const options = menu.children.length;
  const moves = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in moves) picked = (picked + moves[event.key] + options + (picked < 0 && moves[event.key] < 0 ? 1 : 0)) % options;
  else if (event.key === "Escape") return closeMenu() ?? true;
  else if (event.key === "Tab" && !event.shiftKey && picked >= 0) return complete();
  else if (event.key === "Enter" && picked >= 0) return run(menu.children[picked].dataset.command) ?? true;
  else return false;
  drawPick();
  return true;
}

function complete() {
  write(`/${menu.children[picked].dataset.command} `);
  closeMenu();
  return true;
}

/** Sends the command, as tapping it in Telegram does. */
function run(command) {
  const group = isGroup(store.chat) && store.bot?.username ? `@${store.bot.username}` : "";
  write("");
  closeMenu();
  acts.send(`/${command}${group}`);
}

function drawPick() {
  [...menu.children].forEach((element, at) => element.setAttribute("aria-selected", String(at === picked)));
  if (picked >= 0) field.setAttribute("aria-activedescendant", `suggestion-${picked}`);
  else field.removeAttribute("aria-activedescendant");
  menu.children[picked]?.scrollIntoView({ block: "nearest" });
}

function closeMenu(after = 0) {
  const close = () => {
    if (after && document.activeElement === field) return; // the focus came back meanwhile
    menu.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  if (after) setTimeout(close, after);
  else close();
}

/** A letter typed anywhere goes to the field, as in every chat program. */
function typeAnywhere(event) {
  const busy = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1 || event.key === " ";
  const elsewhere = document.activeElement?.closest("input, textarea, select, dialog, [role=menu]") || document.querySelector("dialog[open]");
  if (!busy && !elsewhere) field?.focus();
}

function draftName() {
  return `draft.${store.me}.${store.current}`;
}

/** What was typed and not sent in a chat. @param {number} chatId */
export function draftOf(chatId) {
  return chatId === store.current ? "" : recall(`draft.${store.me}.${chatId}`, "");
}
