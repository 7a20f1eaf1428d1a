"""Text to shaped, placed, rasterised glyphs: admission, fonts, layout. Knows no styles and no engines."""

from generation.glyphs.fontbook import FontBook
from generation.glyphs.languages import language_of, script_of
from generation.glyphs.words import admit, graphemes
from generation.glyphs.writing import check_drawable, check_size, write

__all__ = ["FontBook", "admit", "check_drawable", "check_size", "graphemes", "language_of", "script_of", "write"]
