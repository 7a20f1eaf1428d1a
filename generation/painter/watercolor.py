"""Watercolor: glazes of pigment on cold-pressed paper. Knows the word; scenes are in `watercolor_scenes`.

Pigment density (Bousseau et al. 2006): every wash is a density that paper grain, turbulent flow and drying edges vary.
Effects as catalogued by Curtis et al. 1997: edge darkening, granulation, back-runs, wet-in-wet, glazing, spatter.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generation.painter.fields import Canvas, Plane, cover, plane, smoothstep, soften
from generation.painter.palette import glaze, gradient
from generation.painter.paper import lit_paper
from generation.painter.pigments import PALETTES, Pigments
from generation.painter.subject import Subject
from generation.painter.washes import Easel, drips, easel_for, spatter, wash
from generation.painter.watercolor_scenes import SCENES


def layers(subject: Subject) -> Iterator[Canvas]:
    """Paper, landscape, word, spatter. See `subject.Layers`."""
    pigments = subject.fitting("pigments", PALETTES)
    scene = subject.fitting("scene", SCENES)
    easel = easel_for(subject)
    canvas = lit_paper(subject.frame, easel.paper, pigments.paper)
    yield canvas
    lifted = scene(subject, easel, pigments, canvas)
    yield canvas
    if lifted:
        _lift_word(subject, easel, canvas, pigments)
    else:
        _wash_word(subject, easel, canvas, pigments)
    yield canvas
    _finish(subject, easel, canvas, pigments)
    yield canvas


def _word_shape(subject: Subject, easel: Easel, wobble: float) -> Plane:
    """The word as a brush would fill it: outline astray by a little, corners rounded by surface tension."""
    distance = soften(subject.frame, subject.distance, min(3.0, subject.stem * 0.12))
    return subject.frame.edge(plane(distance + easel.flow * wobble + easel.paper * 0.35), 0.8)


def _word_pigment(subject: Subject, pigments: Pigments) -> Canvas:
    """Pigments that run into each other from letter to letter, wet in wet."""
    frame, (x0, y0, x1, y1) = subject.frame, subject.box
    across = (frame.x - np.float32(x0)) / np.float32(max(x1 - x0, 1))
    down = (frame.y - np.float32(y0)) / np.float32(max(y1 - y0, 1))
    tilt = subject.rng("tilt").uniform(0.1, 0.9)
    run = Easel.turbulence(subject, "word pigment", 300)
    return gradient(pigments.word, plane(across * tilt + down * (1 - tilt) + 0.16 * run))


def _wash_word(subject: Subject, easel: Easel, canvas: Canvas, pigments: Pigments) -> None:
    frame = subject.frame
    shape = _word_shape(subject, easel, min(1.6, subject.stem * 0.08))
    colour = _word_pigment(subject, pigments)
    near = soften(frame, subject.mask, 22) * smoothstep(-0.2, 1.6, easel.flow)
    glaze(canvas, colour, plane(0.30 * near * (1 - shape) * (1 - 0.4 * subject.firmness)))
    pooled = 1.0 + 0.22 * Easel.turbulence(subject, "pool", 170)
    body = wash(easel, shape, strength=1.0 + 0.3 * subject.firmness, edge=1.0, width=4.5)
    bloom = Easel.bloom(subject, "word bloom", 240)
    glaze(canvas, colour, plane(body * np.clip(pooled - 0.28 * bloom * shape, 0.5, 1.7)))
    glaze(canvas, colour, drips(subject, shape))


def _lift_word(subject: Subject, easel: Easel, canvas: Canvas, pigments: Pigments) -> None:
    """Negative painting: the word is reserved paper with a breath of colour; the wash darkens round it."""
    frame = subject.frame
    shape = _word_shape(subject, easel, min(1.2, subject.stem * 0.06))
    halo = soften(frame, subject.mask, 16)
    glaze(canvas, pigments.deep, plane((0.45 + 0.3 * subject.firmness) * halo * (1 - shape)))
    paper = lit_paper(frame, easel.paper, pigments.paper)
    tint = np.clip(0.25 + 0.16 * Easel.turbulence(subject, "tint", 260), 0, 0.6)
    glaze(paper, pigments.light, plane(tint + 0.25 * (shape - soften(frame, shape, 5)).clip(0)))
    cover(canvas, paper, plane(shape * np.float32(0.96)))


def _finish(subject: Subject, easel: Easel, canvas: Canvas, pigments: Pigments) -> None:
    for name, colour in (("spatter a", pigments.word[0]), ("spatter b", pigments.accent)):
        glaze(canvas, colour, spatter(subject, easel, name) * np.float32(0.75))
