"""Ink: a wet brush on rice paper, mist, and a red seal (sumi-e). Knows the word; scenes are in `ink_scenes`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generation.painter.brush import brushed
from generation.painter.fields import Canvas, noise, plane, shade, smoothstep, soften
from generation.painter.ink_scenes import INKS, PAPERS, SCENES, Sheet
from generation.painter.palette import Colour, glaze
from generation.painter.paper import rice_paper, vignette
from generation.painter.seal import stamp
from generation.painter.subject import Subject


def layers(subject: Subject) -> Iterator[Canvas]:
    """Rice paper, scene in pale ink, the word in black, seal. See `subject.Layers`."""
    frame = subject.frame
    canvas = rice_paper(frame, subject.rng("paper"), subject.choose("tint", PAPERS))
    yield canvas
    ink: Colour = subject.choose("ink", INKS)
    cloud, tooth = noise(frame, subject.rng("cloud"), 380, octaves=5), noise(frame, subject.rng("tooth"), 7, octaves=3)
    sheet = Sheet(frame, cloud, tooth, ink)
    subject.fitting("scene", SCENES)(subject, sheet, canvas)
    yield canvas
    _write(subject, sheet, canvas)
    yield canvas
    stamp(subject, canvas)
    shade(canvas, vignette(frame, 0.10))
    yield canvas


def _write(subject: Subject, sheet: Sheet, canvas: Canvas) -> None:
    """Bleeding first, then the stroke: denser where ink pooled and at its rim, thin where the brush ran dry."""
    frame = subject.frame
    dryness = float(subject.rng("dryness").uniform(0.25, 0.8)) * (1 - 0.45 * subject.firmness)
    stroke = brushed(subject, dryness=max(0.0, dryness))
    body = stroke.coverage
    feather = soften(frame, body, 7) * smoothstep(-0.6, 1.4, sheet.cloud + 0.5 * sheet.tooth)
    glaze(canvas, sheet.ink, plane(0.17 * feather * (1 - body)))
    rim = np.maximum(body - soften(frame, body, 4), 0) * (1 - stroke.spent)
    pooled = 0.92 + 0.12 * sheet.cloud + 0.10 * stroke.marks - 0.05 * sheet.tooth + 0.5 * rim - 0.14 * stroke.spent
    glaze(canvas, sheet.ink, plane(body * np.clip(pooled, 0.55, 1.5)))
