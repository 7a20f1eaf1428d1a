// Turns a Bot API text with entities into nodes. Offsets count UTF-16 units, as JavaScript's own strings do.
// Text only: an entity chooses the element around a text node, its content is never parsed.

import { h } from "./dom.js";
import { t } from "./i18n.js";

/** @typedef {{type: string, offset: number, length: number, url?: string, language?: string}} Entity */

const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote", expandable_blockquote: "blockquote" };
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const SAFE = new Set(["http:", "https:", "tg:", "mailto:", "tel:"]);
const COMMAND = /(^|[\s(«„“"])(\/[a-z0-9_]{1,32}(?:@[a-z0-9_]{3,32})?)(?![\w/])/giu;

/**
 * @param {string} text
 * @param {Entity[]} [entities]
 * @param {{onCommand?: (command: string) => void}} [options] A tapped command is written for the reader.
 * @returns {DocumentFragment}
 */
export function rich(text, entities = [], { onCommand } = {}) {
  const all = withCommands(text, entities).filter((entity) => entity.length > 0);
  all.sort((a, b) => a.offset - b.offset || b.length - a.length);
  const fragment = document.createDocumentFragment();
  place(fragment, text, 0, text.length, all, onCommand);
  return fragment;
}

/** Lays the entities of one stretch out; those inside another are placed inside its element. */
function place(parent, text, from, to, entities, onCommand) {
  let at = from;
  for (let i = 0; i < entities.length; ) {
    const entity = entities[i];
    const start = Math.max(entity.offset, at);
    const end = Math.min(entity.offset + entity.length, to);
    let next = i + 1;
    while (next < entities.length && entities[next].offset < end) next += 1;
    if (end > start) {
      if (start > at) parent.append(text.slice(at, start));
      const element = wrap(entity, text.slice(start, end), onCommand);
      place(element, text, start, end, entities.slice(i + 1, next), onCommand);
      parent.append(element);
      // A block ends its line by itself: the line break behind it would leave an empty line.
      at = end < to && BLOCKS.has(entity.type) && text[end] === "\n" ? end + 1 : end;
    }
    i = next;
  }
  if (at < to) parent.append(text.slice(at, to));
}

/** The element of one entity, still empty. */
function wrap(entity, text, onCommand) {
  const { type } = entity;
  if (type in TAGS) return h(TAGS[type]);
  if (type === "spoiler") return spoiler();
  if (type === "bot_command" && onCommand) return h("button", { type: "button", class: "command-link", on: { click: () => onCommand(text) } });
  const target = { text_link: entity.url, url: /^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`, email: `mailto:${text}`, phone_number: `tel:${text.replace(/[^\d+]/g, "")}` }[type];
  return target && safe(target) ? h("a", { href: target, target: "_blank", rel: "noopener noreferrer", title: type === "text_link" ? target : null }) : h("span", { class: `entity-${type.replace(/[^a-z_]/g, "")}` });
}

/** Only schemes that open something: `javascript:` and `data:` stay plain text. */
function safe(target) {
  try {
    return SAFE.has(new URL(target).protocol);
  } catch {
    return false;
  }
}

function spoiler() {
  const element = h("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": t("spoiler") });
  const show = () => {
    element.classList.add("shown");
    for (const name of ["role", "tabindex", "aria-label"]) element.removeAttribute(name);
  };
  element.addEventListener("click", show);
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      show();
    }
  });
  return element;
}

/** Telegram marks commands itself; a server that does not is helped out, so that `/help` in a text can be tapped. */
function withCommands(text, entities) {
  if (entities.some((entity) => entity.type === "bot_command")) return [...entities];
  const covered = (start, end) => entities.some((entity) => entity.offset < end && start < entity.offset + entity.length && /^(code|pre|url|text_link)$/.test(entity.type));
  const found = [];
  for (const match of text.matchAll(COMMAND)) {
    const offset = match.index + match[1].length;
    if (!covered(offset, offset + match[2].length)) found.push({ type: "bot_command", offset, length: match[2].length });
  }
  return [...entities, ...found];
}
