// The buttons under a message, as inline keyboards look: pressed, loading, copied. Knows the kinds of
// InlineKeyboardButton; hands callback taps to whoever drew it.

import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { toast } from "./dialogs.js";

const LONGEST_WAIT = 12_000; // ms a button shows its spinner when nobody ends it

/**
 * @param {object} message A Bot API message.
 * @param {(message: object, button: object, element: HTMLElement) => void} onTap
 * @returns {HTMLElement|null} Null without an inline keyboard.
 */
export function keyboard(message, onTap) {
  const rows = message.reply_markup?.inline_keyboard ?? [];
  if (!rows.some((buttons) => buttons.length)) return null;
  const lines = rows.map((buttons) => h("div", { class: "keyboard-row" }, buttons.map((button) => key(message, button, onTap))));
  return h("div", { class: "keyboard", data: { markup: JSON.stringify(rows) } }, lines);
}

function key(message, button, onTap) {
  const label = h("span", { class: "key-label", dir: "auto" }, button.text);
  const look = { class: `key${["primary", "success", "danger"].includes(button.style) ? ` key-${button.style}` : ""}` };
  const url = addressOf(button);
  if (url) return h("a", { ...look, href: url, target: "_blank", rel: "noopener noreferrer" }, label, icon("link", "key-mark"));
  const element = h("button", { ...look, type: "button" }, label);
  if (button.copy_text) {
    element.append(icon("copy", "key-mark"));
    element.addEventListener("click", () => copy(button.copy_text.text));
  } else if (button.callback_data !== undefined) {
    element.addEventListener("click", () => onTap(message, button, element));
  } else {
    element.disabled = true; // games, payments, inline switches: nothing here could answer
  }
  return element;
}

/** A link button's address; a bare `example.com` means https, anything but the web and Telegram is refused. */
function addressOf(button) {
  const url = button.url ?? button.web_app?.url ?? button.login_url?.url;
  if (!url) return "";
  const full = /^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `https://${url}`;
  return /^(https?|tg):/i.test(full) ? full : "";
}

/** Marks a key as waiting for the bot. @returns {() => void} Ends the mark. */
export function loading(element) {
  element.classList.add("loading");
  element.setAttribute("aria-busy", "true");
  const stop = () => {
    clearTimeout(timer);
    element.classList.remove("loading");
    element.removeAttribute("aria-busy");
  };
  const timer = setTimeout(stop, LONGEST_WAIT);
  return stop;
}

/** Copies a text and says so. @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyByHand(text)) return toast(t("copyFailed"));
  }
  return toast(t("copied", text.length > 80 ? `${text.slice(0, 80)}…` : text));
}

/** For pages that are not a secure context (another host name with --expose): the old way. */
function copyByHand(text) {
  const area = h("textarea", { class: "sr-only", readonly: true });
  area.value = text;
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return done;
}
