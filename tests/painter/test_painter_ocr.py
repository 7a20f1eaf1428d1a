"""An OCR engine as a stranger who reads the pictures, helped by nothing but the word's box."""

import subprocess
import unicodedata

import cv2
import numpy as np
import pytest

from generation.painter.engine import STYLE_LAYERS

pytestmark = pytest.mark.ocr
LANGUAGES = {"学习": "chi_sim", "Freude": "eng"}
HEIGHT_PX = 96


def folded(text):
    kept = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in kept if letter.isalnum())


def spread_out(plane):
    return cv2.normalize(plane.astype(np.float32), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def variants(crop):
    """Grey, strongest colour axis, single channels, locally normalised, two-tone, outlined; each in both polarities."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2Lab).reshape(-1, 3).astype(np.float32)
    centred = lab - lab.mean(0)
    axis = np.linalg.eigh(np.cov(centred.T))[1][:, -1]
    strongest = spread_out((centred @ axis).reshape(grey.shape))
    smooth = cv2.GaussianBlur(strongest, (0, 0), 1.2).astype(np.float32)
    local = spread_out(smooth - cv2.GaussianBlur(smooth, (0, 0), 40))
    _, binary = cv2.threshold(cv2.GaussianBlur(strongest, (0, 0), 2), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    red, _, blue = cv2.split(crop)
    for plane in (
        grey,
        strongest,
        cv2.GaussianBlur(grey, (0, 0), 2),
        red,
        blue,
        local,
        binary,
        islands(red),
        islands(grey),
    ):
        yield plane
        yield 255 - plane


def islands(grey):
    """Light shapes in dark outlines: the light ground that touches the rim of the crop is painted dark."""
    _, binary = cv2.threshold(cv2.GaussianBlur(grey, (0, 0), 1.0), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    framed = cv2.copyMakeBorder(binary, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255)
    cv2.floodFill(framed, None, (0, 0), 0)
    return framed[1:-1, 1:-1]


def read(plane, language):
    ok, png = cv2.imencode(".png", cv2.copyMakeBorder(plane, 20, 20, 20, 20, cv2.BORDER_REPLICATE))
    assert ok
    command = ["tesseract", "stdin", "stdout", "-l", language, "--psm", "8"]
    return subprocess.run(command, input=png.tobytes(), capture_output=True, check=True).stdout.decode()


def is_read(image, box, word):
    x0, y0, x1, y1 = box
    pad = (y1 - y0) // 8
    crop = image[max(0, y0 - pad) : y1 + pad, max(0, x0 - pad) : x1 + pad]
    scale = HEIGHT_PX * 1.25 / crop.shape[0]
    small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return any(folded(read(plane, LANGUAGES[word])) == folded(word) for plane in variants(small))


@pytest.mark.parametrize("style", sorted(STYLE_LAYERS))
@pytest.mark.parametrize("word", sorted(LANGUAGES))
def test_a_stranger_reads_the_word(paint, write_word, word, style):
    assert is_read(paint(word, style), write_word(word).box, word)


def test_a_stranger_reads_nothing_on_a_blank_picture(write_word):
    assert not is_read(np.full((512, 512, 3), 200, np.uint8), write_word("学习").box, "学习")
