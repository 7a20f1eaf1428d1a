"""From a `Writing` to control images: canny, depth, segmentation, scribble. Knows glyphs; knows no model and no engine.

A further method is a decorated function in its kind's module, or a module of its own that is imported here.
"""

from generation.conditioning import canny, depth, scribble, segmentation
from generation.conditioning.registry import METHODS, Method, make, make_all, method, method_named, methods_of

__all__ = [
    "METHODS",
    "Method",
    "canny",
    "depth",
    "make",
    "make_all",
    "method",
    "method_named",
    "methods_of",
    "scribble",
    "segmentation",
]
