// Starts the page and joins its parts: the address names the learner and the chat, the live line feeds the store.

import * as actions from "./actions.js";
import { currentKey } from "./api.js";
import { answerTo, focusComposer, replyTo, startComposer } from "./composer.js";
import { toast } from "./dialogs.js";
import { t, useLanguage } from "./i18n.js";
import { Live } from "./live.js";
import { refresh, reopen, startMessages } from "./messages.js";
import { drawAll, drawer, startPeople } from "./people.js";
import { isGroup, store } from "./store.js";

const RETRY_START = 1_500; // ms between attempts while the server is not up yet

const live = new Live(currentKey, () => store.sequence, renew);

/** What each live event does. The server's own list stands in docs/playground.md. */
const EVENTS = {
  message: (event) => {
    if (store.put(event.message, event.chat) === "unknown") return newChat(event.chat);
    // A bot's ForceReply is no part of the message as bots see it, so it comes beside it.
    return event.force_reply && asksMe(event) && answerTo(event.message, event.force_reply.input_field_placeholder);
  },
  edit: ({ chat, message }) => store.chats.get(chat)?.messages.has(message.message_id) && store.put(message, chat),
  delete: ({ chat, messages }) => messages.forEach((id) => store.drop(chat, id)),
  toast: (event) => event.learner === store.me && actions.showAnswer(event),
  typing: ({ chat, action }) => store.setTyping(chat, action),
  learner: ({ learner }) => store.putLearner(learner),
  chat: ({ chat, info }) => info.members?.includes(store.me) && newChat(chat),
  commands: () => reload(),
  bot: ({ bot }) => {
    store.bot = bot;
    store.tell("people");
  },
  resync: () => reload(),
  reset: async () => {
    await reload();
    store.open(store.me);
  },
};

/** A selective question is for the one whose message it answers. */
function asksMe({ chat, message, force_reply: question }) {
  const asked = message.reply_to_message?.from?.id;
  return chat === store.current && (!question.selective || asked === undefined || asked === store.me);
}

/** The learner and chat in the address: a reload, or a second tab as somebody else, comes back to them. */
function address() {
  const [learner, chat] = location.hash.slice(1).split("/").map(Number);
  return { learner: learner || 0, chat: chat || learner || 0 };
}

function writeAddress() {
  const hash = `#${store.me}/${store.current}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
}

/** Loads everything again without moving the reader. */
async function reload() {
  await actions.load();
  if (!store.chat) store.open(store.me);
  refresh();
}

/** A reconnect: new key, new state. A learner that is gone (a cleared server) gives way to the first. */
async function renew() {
  const before = store.me;
  await reload();
  if (store.me !== before) store.open(store.me);
}

async function newChat(chat) {
  // Messages of other learners' private chats pass by here too; only a chat of mine is worth a look.
  if (chat === store.me || chat < 0) await reload();
}

function onEvent({ detail: event }) {
  store.note(event);
  void EVENTS[event.type]?.(event);
}

function onLine({ detail }) {
  store.setOnline(detail.online);
  document.getElementById("app").dataset.line = detail.online ? "up" : "down";
  const note = document.getElementById("connection");
  note.hidden = detail.online;
  note.textContent = detail.online ? "" : t("reconnecting");
  if (detail.again) toast(t("backOnline"));
}

let spoken = "";

/** The page speaks the learner's language; what is already drawn is drawn again in it. */
function followLanguage() {
  const before = spoken;
  spoken = useLanguage(store.learner.language_code);
  if (before === spoken) return;
  drawAll();
  if (store.chat) reopen();
}

function wire() {
  store.addEventListener("people", followLanguage);
  startPeople({ ...actions, openChat: (id) => {
    store.open(id);
    focusComposer();
  } });
  startMessages({ ...actions, reply: replyTo, command: sendCommand, suggest: actions.send });
  startComposer({ send: actions.send, unblock: () => actions.setBlocked(false) });
  store.addEventListener("open", writeAddress);
  live.addEventListener("event", onEvent);
  live.addEventListener("line", onLine);
  addEventListener("hashchange", () => {
    const { learner, chat } = address();
    if (learner !== store.me) void actions.switchTo(learner, chat);
    else if (chat !== store.current) store.open(chat);
  });
}

/** A command tapped in a group's text is addressed to the bot, as Telegram does. */
function sendCommand(command) {
  const addressed = !isGroup(store.chat) || command.includes("@") || !store.bot?.username;
  return actions.send(addressed ? command : `${command}@${store.bot.username}`);
}

async function start() {
  wire();
  const { learner, chat } = address();
  for (;;) {
    try {
      await actions.load(learner);
      break;
    } catch {
      onLine({ detail: { online: false } });
      await new Promise((resolve) => setTimeout(resolve, RETRY_START));
    }
  }
  store.open(chat);
  document.getElementById("app").dataset.phase = "ready";
  drawer(false);
  focusComposer();
  live.open();
}

void start();
