// Shapes for characters the browser's system has none for: many machines come without Chinese, Japanese or Korean.

const FONT = '15px "Playground Fallback"';
const TWO_CHARACTERS = ["学", "习"];

let offered = false;

/** Uses the server's font where the system has none; text that was drawn without it is drawn again. */
export function offerFallback() {
  if (offered || !drawsBoxes()) return;
  offered = true;
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = "/static/fallback.css"; // apart from styles.css, since a server without the font must not be asked for it
  sheet.addEventListener("load", async () => {
    await document.fonts.load(FONT, TWO_CHARACTERS.join(""));
    document.documentElement.classList.add("with-fallback");
  });
  document.head.append(sheet);
}

/** Two different characters that look the same are two empty boxes: the only way a page can tell. */
function drawsBoxes() {
  const [one, other] = TWO_CHARACTERS.map(drawn);
  return one === other;
}

function drawn(character) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const pen = canvas.getContext("2d");
  pen.font = `24px ${getComputedStyle(document.documentElement).fontFamily}`;
  pen.fillText(character, 2, 26);
  return canvas.toDataURL();
}
