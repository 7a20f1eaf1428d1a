// Builds page elements from data. Everything a learner or a bot wrote enters the page here, as text nodes:
// no markup is ever parsed, so a hostile name stays a name. Knows nothing of chats.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Object} Props
 * @property {string} [class] Class names.
 * @property {Object<string, string|number|boolean>} [data] `data-*` attributes.
 * @property {Object<string, EventListener>} [on] Listeners by event name.
 *
 * All other keys become attributes: `true` sets an empty one, `false`, `null` and `undefined` set none.
 */

/**
 * Makes an element.
 * @param {string} tag
 * @param {Props & Object<string, any>} [props]
 * @param {...(Node|string|number|null|false|undefined|Array)} children Strings become text nodes.
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * An icon of the sprite in index.html, hidden from screen readers: its button carries the label.
 * @param {string} name
 * @param {string} [extra] Further class names.
 */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A round button that shows only an icon. @param {string} name @param {string} label @param {EventListener} onClick */
export function iconButton(name, label, onClick, props = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: onClick }, ...props }, icon(name));
}

/**
 * A name somebody chose: isolated, so that its direction marks cannot reorder what stands around it.
 * @param {string} name
 * @param {string} [className]
 */
export function nameOf(name, className = "name") {
  return h("bdi", { class: className, dir: "auto" }, name);
}

/** The round picture of a person, a group (letters on a tint) or the bot (its seal). */
export function avatar({ id, name, bot = false }, size = "") {
  if (bot) return h("img", { class: `avatar ${size}`, src: "/static/bot.svg", alt: "", draggable: "false" });
  const letters = initials(name);
  return h("span", { class: `avatar letters tint-${Math.abs(Number(id)) % 7} ${size}`, "aria-hidden": "true" }, letters);
}

/** The first visible letters of up to two words. @param {string} name */
export function initials(name) {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, " ").trim().split(/\s+/u).filter(Boolean);
  const letters = words.slice(0, 2).map((word) => [...word][0].toLocaleUpperCase());
  return letters.join("") || "?";
}

/** The person's display name as Telegram composes it. @param {{first_name?: string, last_name?: string}} person */
export function fullName(person) {
  return [person.first_name, person.last_name].filter(Boolean).join(" ") || "?";
}

/** Replaces an element's children without touching it when nothing is to be shown differently. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return element;
}

/** True when the visitor asked their system for less motion. */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
