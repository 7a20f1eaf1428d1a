// What a learner can do: write, tap, switch, add, block, clear. Joins the network to the store and says what failed.
// Knows no elements beyond the dialogs it asks with.

import { offerFallback } from "./fonts.js";
import * as api from "./api.js";
import { alert, confirm, field, form, toast } from "./dialogs.js";
import { avatar, fullName, h, nameOf } from "./dom.js";
import { languageName, t } from "./i18n.js";
import { loading } from "./keyboard.js";
import { store } from "./store.js";

let lastLoad = Promise.resolve();

/**
 * Loads the session and everything the learner sees, keeping the open chat. One load at a time, in the order they were
 * asked for: an older state must never replace a newer one.
 * @param {number} [learner]
 */
export function load(learner) {
  const loaded = lastLoad.then(() => loadNow(learner ?? store.me));
  lastLoad = loaded.catch(() => {}); // whoever asked hears of the failure; the next load goes ahead
  return loaded;
}

async function loadNow(learner) {
  const session = await api.openSession();
  if (session.font) offerFallback();
  const known = session.learners.some((person) => person.id === learner);
  const id = known ? learner : session.first ?? session.learners[0].id;
  const state = await api.loadState(id);
  store.setSession(session);
  store.setState(id, state);
}

/** Sends a text; it stands in the chat at once, and stays there with "try again" when it did not get through. */
export async function send(text, replyTo, chat = store.current) {
  const learner = store.me;
  const entry = store.addPending(chat, text, replyTo);
  try {
    const { message } = await api.sendMessage({ learner, chat, text, reply_to: replyTo });
    store.removePending(chat, entry);
    if (store.me === learner) store.put(message, chat);
  } catch {
    store.failPending(chat, entry);
  }
}

/** Sends a refused text again. */
export function retry(entry) {
  store.removePending(store.current, entry);
  return send(entry.text, entry.replyTo);
}

/** Gives a refused text up. */
export function drop(entry) {
  store.removePending(store.current, entry);
}

/** Taps an inline button. The bot's answer comes over the live line, for every open page alike. */
export async function tap(message, button, element) {
  if (element.classList.contains("loading")) return;
  const stop = loading(element);
  try {
    const { callback } = await api.tapButton({ learner: store.me, chat: message.chat.id, message: message.message_id, data: button.callback_data });
    if (!callback) toast(t("answerWaiting"));
  } catch (error) {
    toast(error.status ? `${t("failedTap")} ${error.message}` : t("failedTap"));
  } finally {
    stop();
  }
}

/** Shows what a bot answered to a press. @param {{text: string, alert: boolean, url?: string|null}} answer */
export function showAnswer(answer) {
  if (!answer.text) return;
  if (answer.alert) void alert(answer.text, fullName(store.bot ?? {}));
  else toast(answer.text);
}

/** Writes as somebody else. @param {number} learner @param {number} [chat] */
export async function switchTo(learner, chat = learner) {
  await trying(async () => {
    await load(learner);
    store.open(chat);
  });
}

export async function addLearner() {
  const name = h("input", { name: "first_name", required: true, maxlength: 64, autofocus: true, dir: "auto" });
  const username = h("input", { name: "username", pattern: "[A-Za-z][A-Za-z0-9_]{3,31}", maxlength: 32 });
  const language = h("select", { name: "language_code" }, ["en", "ru", "zh-hans", "ja", "ko", "es", "de", "fr", "ar"].map((code) => h("option", { value: code, selected: code === store.learner.language_code }, `${languageName(code)} (${code})`)));
  const data = await form(t("addLearner"), [field(t("firstName"), name), field(t("username"), username), field(t("language"), language)], t("create"));
  if (!data) return;
  await trying(async () => {
    const person = { first_name: data.get("first_name"), language_code: data.get("language_code") };
    if (data.get("username")) person.username = data.get("username");
    const { learner } = await api.addLearner(person);
    await switchTo(learner.id);
  });
}

export async function newGroup() {
  const title = h("input", { name: "title", required: true, maxlength: 128, autofocus: true, dir: "auto" });
  const members = store.learners.map((person) => {
    const me = person.id === store.me;
    return h("label", { class: "member" }, h("input", { type: "checkbox", name: "member", value: person.id, checked: true, disabled: me }), avatar({ id: person.id, name: fullName(person) }, "small"), nameOf(fullName(person)));
  });
  const list = h("fieldset", { class: "members" }, h("legend", {}, t("groupMembers")), members, h("p", { class: "hint" }, t("botMember")));
  const data = await form(t("newGroup"), [field(t("groupTitle"), title), list], t("create"));
  if (!data) return;
  await trying(async () => {
    const chosen = [store.me, ...data.getAll("member").map(Number).filter((id) => id !== store.me)];
    const { chat } = await api.createGroup({ title: data.get("title"), members: chosen });
    await load();
    store.open(chat.id);
  });
}

/** @param {string} code */
export function setLanguage(code) {
  return change({ language_code: code });
}

/** @param {boolean} blocked */
export function setBlocked(blocked) {
  return change({ blocked });
}

export async function reset() {
  if (!(await confirm(t("resetAsk"), t("resetDo")))) return;
  await trying(async () => {
    await api.resetAll();
    await load();
    store.open(store.me);
  });
}

async function change(changes) {
  await trying(async () => {
    const { learner } = await api.changeLearner({ id: store.me, ...changes });
    store.putLearner(learner);
  });
}

/** Runs what a reader asked for and says in one line when it did not work. */
async function trying(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    toast(error.status ? `${t("error")} ${error.message}` : t("reconnecting"));
  }
}
