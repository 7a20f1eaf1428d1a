// What an empty chat offers: three words to try. Knows only the texts.

import { h } from "./dom.js";

const SUGGESTIONS = ["/write 学习 study", "/write بحر sea", "любовь - love"];

/** @param {(text: string) => void} onPick Sends the text. @returns {HTMLElement} */
export function suggestions(onPick) {
  return h("div", { class: "chips" }, SUGGESTIONS.map((text) => h("button", { type: "button", class: "chip", dir: "auto", on: { click: () => onPick(text) } }, text)));
}
