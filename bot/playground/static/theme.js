// Sets the theme before the first paint, so that a dark page never flashes white.
// Knows the stored choice; knows nothing of the chat. A classic script on purpose: modules run too late.
(() => {
  let choice = "auto";
  try {
    choice = JSON.parse(localStorage.getItem("playground.theme") ?? "\"auto\"");
  } catch {
    // Storage may be forbidden or hold something else; the system's preference is a good answer then.
  }
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
})();
