// The choice of light and dark. Knows the root element's data-theme and where the choice is kept.

import { recall, remember } from "./store.js";

export const themes = [{ name: "auto", icon: "auto" }, { name: "light", icon: "sun" }, { name: "dark", icon: "moon" }];

/** @returns {"auto"|"light"|"dark"} */
export function themeChoice() {
  const choice = recall("theme", "auto");
  return themes.some(({ name }) => name === choice) ? choice : "auto";
}

/** @param {"auto"|"light"|"dark"} name */
export function useTheme(name) {
  remember("theme", name);
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}
