"""Comic: flat vivid colour, bold ink, dot screens, block letters. Knows the word; scenes are in `comic_scenes`.

Dots after Benjamin Day's printing screens; bold outlines are level sets of the word's distance field.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generation.painter.comic_scenes import INK, PALETTES, SCENES, Inks
from generation.painter.fields import Canvas, Plane, cover, mix, noise, plane, shade, shift, smoothstep, spread
from generation.painter.halftone import dot_screen, extruded, glint, line_screen
from generation.painter.palette import gradient
from generation.painter.shapes import panel
from generation.painter.subject import Subject

_MARGIN = 26.0


def layers(subject: Subject) -> Iterator[Canvas]:
    """Scene, block letters, face of the letters, panel border. See `subject.Layers`."""
    inks = subject.fitting("inks", PALETTES)
    scene = subject.fitting("scene", SCENES)
    canvas = subject.frame.blank(inks.sky[0])
    scene(subject, inks, canvas)
    yield canvas
    _block(subject, inks, canvas)
    yield canvas
    _face(subject, inks, canvas)
    yield canvas
    _border(subject, canvas)
    yield canvas


def _outline(subject: Subject) -> float:
    return float(np.clip(subject.stem * 0.42, 4.0, 15)) * (1 + 0.3 * subject.firmness)


def _rim(subject: Subject) -> float:
    """How far the dark rim reaches: beyond its outline, and wider round a few huge strokes, which need more of it."""
    line = _outline(subject)
    return line + max(line * 0.9, (subject.stem - 20) * 0.85 * (1 + 0.3 * subject.firmness))


def _block(subject: Subject, inks: Inks, canvas: Canvas) -> None:
    """A dotted shadow far out, a dark rim, and the letters' extruded side, each outlined in ink."""
    frame, line, reach = subject.frame, _outline(subject), _rim(subject)
    depth = float(np.clip(subject.stem * 0.62, 6, 24))
    lean = depth * float(subject.choose("lean", (1.0, 1.0, -1.0)))
    body = frame.edge(plane(subject.distance + line))
    side = extruded(frame, body, lean, depth)
    rim = frame.edge(plane(subject.distance + reach))
    rim = np.maximum(rim, extruded(frame, rim, lean, depth))
    shadow = shift(frame, rim, lean * 0.8, depth * 0.8)
    cover(canvas, INK, plane(dot_screen(frame, plane(shadow * 0.55), 9.0) * shadow))
    cover(canvas, INK, rim)
    inner = frame.edge(plane(subject.distance + reach - min(3.0, line * 0.4)))
    cover(canvas, INK if subject.firmness else inks.rim, extruded(frame, inner, lean, depth))
    cover(canvas, INK, side)
    face = extruded(frame, frame.edge(plane(subject.distance + line * 0.3)), lean * 0.82, depth * 0.82)
    away = np.maximum(face - body, 0)
    cover(canvas, inks.side, away)
    cover(canvas, INK, plane(away * line_screen(frame, plane(away * 0.36), 7.0, 2.356)))


def _face(subject: Subject, inks: Inks, canvas: Canvas) -> None:
    """Graded fill with dots growing downwards, light along the upper edges, ink all round with a living line."""
    frame, line = subject.frame, _outline(subject)
    living = noise(frame, subject.rng("line"), 120, octaves=2) * np.float32(line * 0.12)
    cover(canvas, INK, frame.edge(plane(subject.distance + line + living)))
    down = (frame.y - np.float32(subject.box[1])) / np.float32(max(subject.box[3] - subject.box[1], 1))
    fill = gradient(inks.word, plane(np.broadcast_to(smoothstep(0.05, 0.95, down), subject.mask.shape)))
    dots = dot_screen(frame, plane(np.broadcast_to(smoothstep(0.25, 1.15, down) * 0.62, subject.mask.shape)), 11.0)
    fill = mix(fill, plane(inks.word[-1]) * np.float32(0.82), spread(dots))
    cover(canvas, fill, subject.mask)
    if subject.stem > 7:
        cover(canvas, (1.0, 1.0, 1.0), plane(glint(subject, subject.stem * 0.30, subject.stem * 0.16) * subject.mask))


def _border(subject: Subject, canvas: Canvas) -> None:
    """The panel: white gutter, ink frame, and paper that took the ink a little unevenly."""
    frame = subject.frame
    wobble = noise(frame, subject.rng("border"), 260, octaves=3) * np.float32(1.2)
    edge: Plane = plane(panel(frame, _MARGIN) + wobble)
    cover(canvas, INK, frame.edge(plane(9 - edge)))
    cover(canvas, (0.985, 0.975, 0.945), frame.edge(plane(-edge)))
    shade(canvas, plane(1 - 0.012 * noise(frame, subject.rng("stock"), 5, octaves=2)))
