"""The CPU engine: paints a word in five styles with no model weights, in about a second.

Knows the contracts, the styles' names and legibility. Knows no queue, no Telegram, no database and no control images.
"""

from generation.painter.engine import Painter

__all__ = ["Painter"]
