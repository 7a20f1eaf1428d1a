"""Traditional: a colour woodblock print (ukiyo-e). Knows the word's blocks; scenes are in `traditional_scenes`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generation.painter.fields import Canvas, cover, noise, plane, shift
from generation.painter.palette import gradient
from generation.painter.seal import stamp
from generation.painter.shapes import panel
from generation.painter.subject import Subject
from generation.painter.traditional_scenes import PALETTES, SCENES, Minerals
from generation.painter.woodblock import KEY, MARGIN, Press, outline, press_for


def layers(subject: Subject) -> Iterator[Canvas]:
    """Washi, colour blocks, the word's blocks, frame and seal. See `subject.Layers`."""
    press = press_for(subject)
    minerals = subject.fitting("minerals", PALETTES)
    canvas = press.washi.copy()
    yield canvas
    reversed_out = subject.fitting("scene", SCENES)(subject, press, minerals, canvas)
    yield canvas
    _print_word(subject, press, minerals, canvas, light=reversed_out)
    yield canvas
    edge = plane(
        panel(subject.frame, MARGIN - 1, 3)
        + noise(subject.frame, subject.rng("edge"), 200, octaves=3) * np.float32(0.8)
    )
    cover(canvas, KEY, outline(subject.frame, edge, 3.2))
    stamp(subject, canvas, size=72, margin=MARGIN + 24)
    yield canvas


def _print_word(subject: Subject, press: Press, minerals: Minerals, canvas: Canvas, *, light: bool) -> None:
    """A reserve of bare paper round the letters, the colour slightly out of register, a key line outside.

    With `light` the letters themselves are the bare paper, wiped with a breath of colour, in a dark rim.
    """
    frame, stem = subject.frame, subject.stem
    rim = float(np.clip(stem * 0.34, 3.5, 9.5)) * (1 + 0.35 * subject.firmness)
    carved = plane(
        subject.distance + noise(frame, subject.rng("knife"), 22, octaves=2) * np.float32(min(0.8, stem * 0.04))
    )
    reserve = frame.edge(plane(carved + rim))
    down = (frame.y - np.float32(subject.box[1])) / np.float32(max(subject.box[3] - subject.box[1], 1))
    position = plane(np.broadcast_to(down, subject.mask.shape))
    dx, dy = subject.rng("register").uniform(-1.0, 1.0, 2) * min(2.0, stem * 0.08)
    face = shift(frame, frame.edge(carved), float(dx), float(dy))
    if light:
        cover(canvas, gradient((minerals.water[0], KEY), position), reserve)
        cover(canvas, plane(press.washi * gradient(minerals.pale, position)), face)
        return
    cover(canvas, press.washi, reserve)
    cover(canvas, KEY, outline(frame, plane(carved + rim), 2.4))
    through = plane(1 - 0.13 * press.grain - 0.035 * np.maximum(press.mottle, 0))
    cover(canvas, gradient(minerals.word, position), plane(face * through))
