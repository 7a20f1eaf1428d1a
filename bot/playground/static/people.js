// Who writes and where: the identity at the top of the side, the chat list, the head of the open chat, the drawer on a
// phone. Knows the store; what a choice does is given to it.

import { avatar, fill, fullName, h, icon, iconButton, nameOf } from "./dom.js";
import { languageName, stamp, t } from "./i18n.js";
import { draftOf } from "./composer.js";
import { preview } from "./messages.js";
import { dropMenu } from "./popup.js";
import { isGroup, lastMessage, store } from "./store.js";
import { themeChoice, themes, useTheme } from "./look.js";

const LANGUAGES = ["en", "ru", "zh-hans", "zh-hant", "ja", "ko", "es", "de", "fr", "pt-br", "it", "tr", "uk", "pl", "vi", "th", "hi", "ar", "fa", "he"];

const app = document.getElementById("app");
const identity = document.getElementById("identity");
const chatList = document.getElementById("chat-list");
const foot = document.getElementById("sidebar-foot");
const head = document.getElementById("chat-head");
const scrim = document.getElementById("scrim");
const sidebar = document.getElementById("sidebar");
const narrow = matchMedia("(max-width: 760px)");

/**
 * @typedef {Object} PeopleActs
 * @property {(id: number) => void} switchTo
 * @property {(id: number) => void} openChat
 * @property {() => void} addLearner
 * @property {() => void} newGroup
 * @property {(code: string) => void} setLanguage
 * @property {(blocked: boolean) => void} setBlocked
 * @property {() => void} reset
 */

/** @type {PeopleActs} */ let acts;

/** @param {PeopleActs} given */
export function startPeople(given) {
  acts = given;
  store.addEventListener("people", drawAll);
  store.addEventListener("open", () => {
    drawAll();
    drawer(false);
  });
  for (const event of ["chats", "messages"]) store.addEventListener(event, drawChats);
  store.addEventListener("typing", () => {
    drawChats();
    drawStatus();
  });
  scrim.addEventListener("click", () => drawer(false));
  document.addEventListener("keydown", (event) => event.key === "Escape" && app.classList.contains("drawer-open") && drawer(false));
  narrow.addEventListener("change", () => drawer(false));
}

/** Draws everything again, for another language for example. */
export function drawAll() {
  if (!store.me) return;
  drawIdentity();
  drawFoot();
  drawChats();
  drawHead();
}

/** Opens or closes the chat list on a narrow page. While closed there it is out of the tab order. */
export function drawer(open) {
  const was = app.classList.contains("drawer-open");
  app.classList.toggle("drawer-open", open);
  scrim.hidden = !open;
  sidebar.inert = narrow.matches && !open;
  head.querySelector(".drawer-button")?.setAttribute("aria-expanded", String(open));
  if (open) (chatList.querySelector("[aria-current=true]") ?? chatList.querySelector("button"))?.focus();
  else if (was) head.querySelector(".drawer-button")?.focus();
}

function drawIdentity() {
  const me = store.learner;
  const words = h("span", { class: "identity-words" }, nameOf(fullName(me)), h("span", { class: "identity-hint" }, me.username ? `@${me.username}` : t("identity")));
  const button = h("button", { type: "button", class: "identity-button", title: t("identity"), "aria-label": `${t("identity")}: ${fullName(me).slice(0, 80)}` }, avatar({ id: me.id, name: fullName(me) }), words, icon("down", "chevron"));
  dropMenu(button, identityEntries);
  keepFocus(identity, ".identity-button", () => fill(identity, button, iconButton("close", t("closeChats"), () => drawer(false), { class: "icon-button drawer-close" })));
}

function identityEntries() {
  const people = store.learners.map((person) => ({ label: nameOf(fullName(person)), lead: avatar({ id: person.id, name: fullName(person) }, "small"), checked: person.id === store.me, act: () => acts.switchTo(person.id) }));
  return [...people, null, { label: t("addLearner"), icon: "person-add", act: acts.addLearner }];
}

function drawFoot() {
  const code = store.learner.language_code ?? "en";
  const codes = LANGUAGES.includes(code) ? LANGUAGES : [code, ...LANGUAGES];
  const select = h("select", { id: "language", on: { change: (event) => acts.setLanguage(event.target.value) } }, codes.map((each) => h("option", { value: each, selected: each === code }, `${languageName(each)} (${each})`)));
  const actions = h("div", { class: "foot-actions" }, textButton("group", t("newGroup"), acts.newGroup), textButton("person-add", t("addLearner"), acts.addLearner));
  const language = h("label", { class: "language", title: t("language") }, icon("globe"), h("span", { class: "sr-only" }, t("language")), select);
  keepFocus(foot, "#language", () => fill(foot, actions, language));
}

function textButton(name, label, onClick) {
  return h("button", { type: "button", class: "text-button", on: { click: onClick } }, icon(name), h("span", {}, label));
}

// --- the chat list --------------------------------------------------------------------------------------------------

function drawChats() {
  if (!store.me) return;
  const chats = [...store.chats.values()].sort((a, b) => (lastMessage(b)?.date ?? 0) - (lastMessage(a)?.date ?? 0) || a.id - b.id);
  const focused = document.activeElement?.closest?.(".chat-item")?.dataset.chat;
  fill(chatList, chats.map(chatItem));
  if (focused) chatList.querySelector(`[data-chat="${focused}"]`)?.focus();
}

function chatItem(chat) {
  const newest = lastMessage(chat);
  const unread = chat.id === store.current && document.visibilityState === "visible" ? 0 : store.unread(chat);
  const draft = draftOf(chat.id);
  const line = store.typing.has(chat.id) ? h("span", { class: "chat-line typing-line" }, actionWords(chat.id), dots()) : h("span", { class: "chat-line", dir: "auto" }, draft ? [h("em", { class: "draft" }, t("draft")), " ", draft.slice(0, 80)] : preview(chat));
  const badge = unread ? h("span", { class: "badge", title: t("unread", unread) }, unread > 99 ? "99+" : String(unread), h("span", { class: "sr-only" }, ` (${t("unread", unread)})`)) : null;
  const top = h("span", { class: "chat-top" }, nameOf(titleOf(chat), "chat-name"), newest ? h("time", { class: "chat-time" }, stamp(newest.date)) : null);
  return h("button", { type: "button", class: "chat-item", "aria-current": chat.id === store.current ? "true" : null, data: { chat: chat.id }, on: { click: () => acts.openChat(chat.id) } }, chatAvatar(chat), h("span", { class: "chat-words" }, top, h("span", { class: "chat-bottom" }, line, badge)));
}

function chatAvatar(chat, size = "") {
  return isGroup(chat) ? avatar({ id: chat.id, name: titleOf(chat) }, size) : avatar({ id: 0, name: "", bot: true }, size);
}

function titleOf(chat) {
  return isGroup(chat) ? chat.title ?? "?" : fullName(store.bot ?? {});
}

// --- the head of the open chat --------------------------------------------------------------------------------------

function drawHead() {
  const chat = store.chat;
  if (!chat) return;
  const open = iconButton("menu", t("openChats"), () => drawer(true), { class: "icon-button drawer-button", "aria-controls": "sidebar", "aria-expanded": "false" });
  const more = dropMenu(h("button", { type: "button", class: "icon-button more-button", "aria-label": t("more"), title: t("more") }, icon("more")), () => moreEntries(chat));
  const title = h("h1", { id: "chat-title", class: "chat-title" }, nameOf(titleOf(chat)), isGroup(chat) ? null : h("span", { class: "bot-badge" }, t("bot")));
  const words = h("div", { class: "head-words" }, title, h("p", { class: "chat-status", id: "chat-status", "aria-live": "off" }));
  keepFocus(head, ".more-button", () => fill(head, open, chatAvatar(chat, "head"), words, more));
  document.title = `${titleOf(chat).slice(0, 60)} · Wordbrush playground`;
  drawStatus();
}

function drawStatus() {
  const status = document.getElementById("chat-status");
  if (!status || !store.chat) return;
  const typing = store.typing.has(store.current);
  status.classList.toggle("is-typing", typing);
  fill(status, typing ? [actionWords(store.current), dots()] : restingStatus(store.chat));
}

function restingStatus(chat) {
  if (isGroup(chat)) return `${t("members", (chat.members?.length ?? 0) + 1)}`;
  return store.bot?.username ? `@${store.bot.username}` : t("bot");
}

function actionWords(chatId) {
  const known = t(store.typing.get(chatId).action);
  return known === store.typing.get(chatId).action && !/ /.test(known) && known.includes("_") ? t("typing") : known;
}

function dots() {
  return h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
}

function moreEntries(chat) {
  const blocked = store.learner.blocked;
  const block = isGroup(chat) ? [] : [{ label: t(blocked ? "unblock" : "block"), icon: "block", danger: !blocked, act: () => acts.setBlocked(!blocked) }, null];
  const looks = themes.map(({ name, icon: picture }) => ({ label: t(`theme.${name}`), icon: picture, checked: themeChoice() === name, act: () => useTheme(name) }));
  return [...block, ...looks, null, { label: t("newGroup"), icon: "group", act: acts.newGroup }, { label: t("addLearner"), icon: "person-add", act: acts.addLearner }, null, { label: t("reset"), icon: "reset", danger: true, act: acts.reset }];
}

/** Redraws and gives the focus back to the element that had it. */
function keepFocus(root, selector, redraw) {
  const had = root.querySelector(selector) === document.activeElement && document.activeElement !== null;
  redraw();
  if (had) root.querySelector(selector)?.focus();
}
