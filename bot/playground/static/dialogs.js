// Toasts, alerts, questions, forms and the photo lightbox: everything that lies over the page. The browser's own
// <dialog> keeps the focus inside and closes on Esc. Knows nothing of chats.

import { calm, h, iconButton } from "./dom.js";
import { t } from "./i18n.js";

const TOAST_STAYS = 3_200; // ms for a short line; long ones stay longer
const MS_PER_LETTER = 45;

/** A line that comes and goes. @param {string} text */
export function toast(text) {
  const element = h("div", { class: "toast", dir: "auto" }, text);
  const stack = document.getElementById("toasts");
  stack.append(element);
  // Raised anew each time: a toast must lie over a dialog that was opened meanwhile.
  if (stack.matches(":popover-open")) stack.hidePopover();
  stack.showPopover();
  while (stack.children.length > 3) stack.firstElementChild.remove();
  setTimeout(() => leave(element), TOAST_STAYS + text.length * MS_PER_LETTER);
}

/** A message that wants to be acknowledged. @param {string} text @param {string} [title] */
export function alert(text, title = "") {
  const body = [title && h("h2", { id: "dialog-title", dir: "auto" }, title), h("p", { class: "dialog-text", dir: "auto" }, text)];
  const ok = h("button", { type: "submit", class: "primary", autofocus: true }, t("ok"));
  return show(h("form", { method: "dialog" }, body, h("div", { class: "dialog-buttons" }, ok)), { role: "alertdialog", label: title || text });
}

/** Asks before something is lost. @returns {Promise<boolean>} */
export async function confirm(text, yes) {
  const buttons = [h("button", { type: "submit", value: "no", autofocus: true }, t("cancel")), h("button", { type: "submit", value: "yes", class: "danger" }, yes)];
  const answer = await show(h("form", { method: "dialog" }, h("p", { class: "dialog-text", dir: "auto" }, text), h("div", { class: "dialog-buttons" }, buttons)), { role: "alertdialog", label: text });
  return answer === "yes";
}

/**
 * A small form in a dialog.
 * @param {string} title @param {Node[]} fields Named inputs. @param {string} yes The submit button.
 * @returns {Promise<FormData|null>} Null when it was left.
 */
export async function form(title, fields, yes) {
  const no = h("button", { type: "button", on: { click: (event) => event.target.closest("dialog").close("no") } }, t("cancel"));
  const element = h("form", { method: "dialog", autocomplete: "off" }, h("h2", {}, title), fields, h("div", { class: "dialog-buttons" }, no, h("button", { type: "submit", value: "yes", class: "primary" }, yes)));
  return (await show(element, { label: title })) === "yes" ? new FormData(element) : null;
}

/** A labelled input for `form`. */
export function field(label, input) {
  return h("label", { class: "field" }, h("span", {}, label), input);
}

/** The photo over the whole page. @param {string} source @param {string} caption @param {HTMLElement} origin The focus returns here. */
export function openPhoto(source, caption, origin) {
  const image = h("img", { src: source, alt: caption || t("photo") });
  const close = () => dialog.close();
  const bar = h("div", { class: "lightbox-bar" }, h("a", { class: "icon-text", href: source, download: "picture" }, t("download")), h("a", { class: "icon-text", href: source, target: "_blank", rel: "noopener" }, t("openInTab")), iconButton("close", t("close"), close));
  const dialog = h("dialog", { class: "lightbox", "aria-label": t("photo") }, bar, image, caption && h("p", { class: "lightbox-caption", dir: "auto" }, caption));
  // Anything but the picture and the bar is "outside", as people expect of a lightbox.
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  image.addEventListener("click", () => image.classList.toggle("full"));
  return open(dialog, origin);
}

/** Shows a dialog until it closes. @returns {Promise<string>} The value of the button that closed it. */
function show(content, { role = "dialog", label }) {
  const dialog = h("dialog", { class: "dialog", role, "aria-label": label.slice(0, 200) }, content);
  dialog.addEventListener("click", (event) => event.target === dialog && role === "dialog" && dialog.close("no"));
  return open(dialog, document.activeElement);
}

function open(dialog, origin) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      origin?.focus?.({ preventScroll: true });
      resolve(dialog.returnValue);
    });
  });
}

async function leave(element) {
  if (!calm()) await element.animate([{ opacity: 1 }, { opacity: 0, transform: "translateY(8px)" }], { duration: 220, easing: "ease-in" }).finished.catch(() => {});
  element.remove();
}
