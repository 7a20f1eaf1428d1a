"""Makes the README's pictures: the real chat page in headless Chromium, and a sheet of what the painter paints.

Run from the repository's root after `make test` has built the environment: `.venv/bin/python docs/pictures/make.py`.
Chromium draws the page with the system's fonts: for Chinese and emoji install fonts-noto-cjk and
fonts-noto-color-emoji.
"""

from __future__ import annotations

import io
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from generation.contracts.request import PaintRequest, first_seed  # noqa: E402
from generation.painter import Painter  # noqa: E402
from generation.pipeline import Pipeline  # noqa: E402
from tests.end_to_end.processes import Process  # noqa: E402

HERE = Path(__file__).parent
LONG_MS = 60_000
WORDS = [
    ("学习", "study", "zh-Hans", "comic"),
    ("любовь", "love", "ru", "watercolor"),
    ("竹", "bamboo", "zh-Hans", "ink"),
    ("سلام", "peace", "ar", "realistic"),
    ("桜", "cherry blossom", "ja", "traditional"),
    ("सीखना", "to learn", "hi", "watercolor"),
    ("바다", "sea", "ko", "traditional"),
    ("huyền", "mystery", "vi", "realistic"),
    ("風", "wind", "ja", "ink"),
    ("θάλασσα", "sea", "el", "comic"),
]
SIDE_PX, COLUMNS = 480, 5


def sheet() -> None:
    """Ten words in ten scripts and five styles, two rows."""
    engine, pipeline = Painter(), Pipeline()
    whole = Image.new("RGB", (SIDE_PX * COLUMNS, SIDE_PX * (len(WORDS) // COLUMNS)), "white")
    for index, (word, translation, language, style) in enumerate(WORDS):
        request = PaintRequest(
            word=word, translation=translation, language=language, style=style, seed=first_seed(word, language)
        )
        picture = Image.open(io.BytesIO(pipeline.paint_one(request, engine).png))
        tile = picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        whole.paste(tile, (index % COLUMNS * SIDE_PX, index // COLUMNS * SIDE_PX))
    whole.save(HERE / "painted.jpg", quality=86, optimize=True)


def chat() -> None:
    """The page after a word was painted and another one was asked for."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Process([], Path(folder), {"PLAYGROUND__PORT": "0"}, "bot")) as bot,
    ):
        url = bot.url() + "/"
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
            page = browser.new_page(viewport={"width": 1120, "height": 1080}, device_scale_factor=1.25)
            page.goto(url)
            expect(page.locator("#app")).to_have_attribute("data-line", "up", timeout=LONG_MS)
            _ask(page, "/write 学习 study", "Watercolor")
            expect(page.locator(".row.theirs img").last).to_be_visible(timeout=LONG_MS)
            _write(page, "любовь - love")
            expect(page.locator(".keyboard").last.get_by_role("button").filter(has_text="Ink")).to_be_visible()
            page.wait_for_timeout(1500)
            shot = Image.open(io.BytesIO(page.screenshot()))
            shot.convert("RGB").save(HERE / "chat.jpg", quality=85, optimize=True)
            browser.close()


def _ask(page: Page, text: str, style: str) -> None:
    _write(page, text)
    page.locator(".keyboard").last.get_by_role("button").filter(has_text=style).click(timeout=LONG_MS)


def _write(page: Page, text: str) -> None:
    page.locator("#composer-text").fill(text)
    page.keyboard.press("Enter")


if __name__ == "__main__":
    sheet()
    chat()
