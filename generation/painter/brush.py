"""A bristle brush: the way its strokes run, bristle marks along them, wet and dry coverage. Knows no scene.

A stroke runs where the ink reaches farthest: at each place the orientation with the longest chord within the shape,
which unlike a structure tensor holds up to the very end of a stroke. Marks are noise averaged along it (line integral
convolution, Cabral and Leedom 1993) by doubling, which follows bends.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from generation.painter.fields import Frame, Plane, mix, noise, plane, smoothstep, soften, standardise, warp
from generation.painter.subject import Subject

_MARKS_SIDE_PX, _CHORDS_SIDE_PX = 512, 192
_ORIENTATIONS = 12
_DECIDED = 8
"""Power to which chords are raised before they vote for an orientation: the longest wins, near ties share."""
_TRAVEL = (0.35, 1.0)
"""A brush goes down, and to the right where a stroke is level."""
_WETTEST = -3.2


@dataclass(frozen=True, slots=True)
class Stroke:
    """The word as a brush wrote it; planes of shape (height, width).

    Attributes:
        coverage: where ink lies, 0 to 1.
        marks: tracks of the bristles along the strokes, unit variance.
        spent: how much of its ink the brush has left behind, 0 to 1 at the end of a stroke.
    """

    coverage: Plane
    marks: Plane
    spent: Plane


def directions(frame: Frame, shape: Plane, reach: float) -> tuple[Plane, Plane]:
    """Unit vectors along the strokes of a shape, pointing the way the brush travels.

    Args:
        frame: the sheet.
        shape: coverage of the strokes, 0 to 1.
        reach: half length of the chords compared, in units: some four times a stroke's half width.

    Returns:
        x and y, each of shape (height, width); outside the shape they are those of the nearest ink.
    """
    small = _smaller(frame, _CHORDS_SIDE_PX)
    ink = _resized(shape, small)
    double_x, double_y = np.zeros_like(ink), np.zeros_like(ink)
    for turn in np.arange(_ORIENTATIONS) * (np.pi / _ORIENTATIONS):
        chord = cv2.filter2D(ink, cv2.CV_32F, _chord(turn, reach * small.unit))
        votes = plane(cv2.pow(chord, _DECIDED)) * ink
        double_x += votes * np.float32(np.cos(2 * turn))
        double_y += votes * np.float32(np.sin(2 * turn))
    length = np.hypot(double_x, double_y) + np.float32(1e-6)
    turns = [soften(small, plane(part / length * ink), max(4.0, reach * 0.12)) for part in (double_x, double_y)]
    angle = plane(0.5 * np.arctan2(_resized(turns[1], frame), _resized(turns[0], frame)))
    x, y = np.cos(angle), np.sin(angle)
    onwards = np.where(x * np.float32(_TRAVEL[0]) + y * np.float32(_TRAVEL[1]) < 0, np.float32(-1), np.float32(1))
    return plane(x * onwards), plane(y * onwards)


def _chord(turn: float, half_px: float) -> Plane:
    """A line of weights through the middle of a kernel, `half_px` to either side, that sums to one."""
    half = max(2, round(half_px))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    out = np.array([np.cos(turn), np.sin(turn)]) * half
    ends = [tuple(int(v) for v in np.round((half + way * out) * 16)) for way in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return plane(kernel / max(float(kernel.sum()), 1e-6))


def _smaller(frame: Frame, side: int) -> Frame:
    factor = min(1.0, side / min(frame.width, frame.height))
    return Frame(max(8, round(frame.width * factor)), max(8, round(frame.height * factor)))


def _resized(field: Plane, frame: Frame) -> Plane:
    how = cv2.INTER_CUBIC if frame.width > field.shape[1] else cv2.INTER_AREA
    return plane(cv2.resize(field, (frame.width, frame.height), interpolation=how))


def streaks(
    frame: Frame, rng: np.random.Generator, along: tuple[Plane, Plane], *, length: float, bristle: float
) -> Plane:
    """Tracks of bristles `bristle` units apart that run along the directions for about `length` units; unit variance.

    The first average is taken over less than a bristle: a wider one would repeat each speck of the noise as a row.
    """
    field = noise(frame, rng, bristle, octaves=2, gain=0.6)
    step = bristle * 0.5
    while step < length:
        field = (_ahead(frame, field, along, step) + field + _ahead(frame, field, along, -step)) / np.float32(3)
        step *= 2
    return standardise(plane(field))


def _ahead(frame: Frame, field: Plane, along: tuple[Plane, Plane], step: float) -> Plane:
    return warp(frame, field, along[0] * np.float32(step), along[1] * np.float32(step))


def _spent(frame: Frame, ink: Plane, along: tuple[Plane, Plane], length: float) -> Plane:
    """0 where a stroke goes on for `length` units or might run either way, rising to 1 where it ends."""
    step, still = length / 16, ink
    for _ in range(4):
        still = (still + _ahead(frame, still, along, step)) / np.float32(2)
        step *= 2
    told = np.abs(along[0] * np.float32(_TRAVEL[0]) + along[1] * np.float32(_TRAVEL[1]))
    return plane(smoothstep(0.95, 0.12, soften(frame, still, length * 0.05)) * smoothstep(0.05, 0.4, told))


def brushed(subject: Subject, *, dryness: float, name: str = "brush") -> Stroke:
    """The word as a loaded brush writes it: smooth wet outlines, and bristles that part where the ink gives out.

    Args:
        subject: the word.
        dryness: 0 for a wet brush, 1 where white paper flies through (feibai).
        name: of the random stream.
    """
    sheet, stem = subject.frame, subject.stem
    small = _smaller(sheet, _MARKS_SIDE_PX)
    ink = _resized(subject.mask, small)
    along = directions(small, ink, max(12.0, stem * 4))
    bristle = float(np.clip(stem * 0.14, 3.2, 7))
    fine = streaks(small, subject.rng(name), along, length=max(20.0, stem * 2.2), bristle=bristle)
    broad = streaks(small, subject.rng(f"{name} tufts"), along, length=max(30.0, stem * 4), bristle=bristle * 3)
    marks = _resized(standardise(plane(fine + np.float32(0.8) * broad)), sheet)
    spent = _resized(_spent(small, ink, along, max(16.0, stem * 4)), sheet)
    body = _outline(subject, marks, spent * np.float32(dryness), name)
    gaps = _gaps(subject, marks, spent, dryness, name)
    return Stroke(plane(sheet.edge(body, 0.9) * (1 - gaps)), marks, spent)


def _outline(subject: Subject, marks: Plane, parting: Plane, name: str) -> Plane:
    """Signed distance of the written strokes: rounded, swelling with pressure, fringed where the bristles part."""
    frame, stem = subject.frame, subject.stem
    rounding = min(stem * 0.22, 12.0)
    pressure = noise(frame, subject.rng(f"{name} pressure"), max(60.0, stem * 4), octaves=2)
    bleed = noise(frame, subject.rng(f"{name} bleed"), 16, octaves=2)
    fringe = mix(min(stem * 0.025, 0.8), min(stem * 0.12, 5.5), parting)
    growth = soften(frame, subject.distance, rounding) - subject.distance + np.float32(rounding * 0.45)
    growth += pressure * np.float32(min(stem * 0.07, 3.6))
    counters_stay = np.float32(min(stem * 0.05, 2.0)) + np.float32(0.35) * np.maximum(-subject.distance, 0)
    wobble = bleed * np.float32(min(stem * 0.02, 0.45)) + marks * fringe
    return plane(subject.distance + np.minimum(growth, counters_stay) + wobble)


def _gaps(subject: Subject, marks: Plane, spent: Plane, dryness: float, name: str) -> Plane:
    """Paper between the bristles, 0 to 1: some strokes are written fast and dry, and every dry one ends so."""
    load = noise(subject.frame, subject.rng(f"{name} load"), max(140.0, subject.stem * 6), octaves=2)
    fast = smoothstep(0.3, 1.9, load) * np.float32(1.9)
    ending = spent * smoothstep(-2.0, 0.5, load) * np.float32(3.1)
    threshold = np.minimum(np.float32(_WETTEST) + (fast + ending + np.float32(0.5)) * np.float32(dryness), 0.15)
    return smoothstep(0.25, -0.25, plane(marks - threshold))
