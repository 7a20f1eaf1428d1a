// A menu that drops from a button: arrows, Home, End, Esc, a click elsewhere. The browser's own popover keeps it on top.
// Knows nothing of what its entries do.

import { h, icon } from "./dom.js";

/**
 * @typedef {{label: string|Node, icon?: string, lead?: Node, act: () => void, checked?: boolean, danger?: boolean}} Entry
 */

/**
 * Makes `button` open a menu.
 * @param {HTMLButtonElement} button
 * @param {() => (Entry|null)[]} entries Asked at every opening; null draws a line.
 */
export function dropMenu(button, entries) {
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  let openedMenu = null;
  button.addEventListener("click", () => {
    if (openedMenu) return void openedMenu.hidePopover();
    openedMenu = show(button, entries());
    button.setAttribute("aria-expanded", "true");
    openedMenu.addEventListener("toggle", (event) => {
      if (event.newState !== "closed") return;
      button.setAttribute("aria-expanded", "false");
      const closed = openedMenu;
      // A click on the button itself closes the menu first; it must not open it again in the same breath.
      setTimeout(() => (openedMenu = null));
      closed?.remove();
    });
  });
  return button;
}

function show(button, entries) {
  const menu = h("div", { class: "popup", role: "menu", popover: "auto", on: { keydown: (event) => onKey(event, menu, button) } });
  menu.append(...entries.map((entry) => (entry ? item(entry, menu, button) : h("hr", { role: "separator" }))));
  document.body.append(menu);
  menu.showPopover();
  placeUnder(menu, button);
  (menu.querySelector("[aria-checked=true]") ?? menu.querySelector("button"))?.focus();
  return menu;
}

function item(entry, menu, button) {
  const role = entry.checked === undefined ? "menuitem" : "menuitemradio";
  const act = () => {
    menu.hidePopover();
    button.focus();
    entry.act();
  };
  const mark = entry.checked ? icon("check", "popup-check") : null;
  const lead = entry.lead ?? (entry.icon ? icon(entry.icon) : null);
  return h("button", { type: "button", role, tabindex: "-1", class: `popup-item${entry.danger ? " danger" : ""}`, "aria-checked": entry.checked === undefined ? null : String(entry.checked), on: { click: act } }, lead, h("span", { class: "popup-label", dir: "auto" }, entry.label), mark);
}

function onKey(event, menu, button) {
  const items = [...menu.querySelectorAll("button")];
  const at = items.indexOf(document.activeElement);
  const next = { ArrowDown: (at + 1) % items.length, ArrowUp: (at - 1 + items.length) % items.length, Home: 0, End: items.length - 1 }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    items[next].focus();
  } else if (event.key === "Tab" || event.key === "Escape") {
    event.preventDefault();
    menu.hidePopover();
    button.focus();
  }
}

function placeUnder(menu, button) {
  const [from, size] = [button.getBoundingClientRect(), menu.getBoundingClientRect()];
  const left = Math.max(8, Math.min(from.left, innerWidth - size.width - 8));
  const below = from.bottom + 6 + size.height < innerHeight;
  const top = below ? from.bottom + 6 : Math.max(8, from.top - size.height - 6);
  menu.style.setProperty("left", `${left}px`);
  menu.style.setProperty("top", `${top}px`);
}
