"""What pigment does in water: washes with dried edges, blooms, spatter, drips. Densities only; no colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generation.painter.fields import Frame, Plane, noise, plane, smoothstep, soften
from generation.painter.paper import cold_press
from generation.painter.shapes import dots
from generation.painter.subject import Subject


@dataclass(frozen=True, slots=True)
class Easel:
    """The sheet's own fields, shared by every wash on it.

    Attributes:
        frame: the sheet.
        paper: height of the paper, unit variance.
        flow: medium-scale turbulence of the water, unit variance.
        cloud: large-scale turbulence, unit variance.
    """

    frame: Frame
    paper: Plane
    flow: Plane
    cloud: Plane

    @staticmethod
    def turbulence(subject: Subject, name: str, cell: float) -> Plane:
        """Another turbulent field, unit variance, of cells `cell` units wide."""
        return noise(subject.frame, subject.rng(name), cell, octaves=4, gain=0.45)

    @staticmethod
    def bloom(subject: Subject, name: str, cell: float) -> Plane:
        """Back-runs: water that pushed pigment aside, 1 within, with a crinkled rim; 0 elsewhere."""
        field = noise(subject.frame, subject.rng(name), cell, octaves=6, gain=0.5)
        return smoothstep(1.05, 1.35, field)


def easel_for(subject: Subject) -> Easel:
    """Paper and water for a subject."""
    frame = subject.frame
    return Easel(
        frame,
        cold_press(frame, subject.rng("paper")),
        noise(frame, subject.rng("flow"), 60, octaves=5, gain=0.55),
        noise(frame, subject.rng("cloud"), 420, octaves=5, gain=0.5),
    )


def wash(easel: Easel, shape: Plane, *, strength: float = 1.0, edge: float = 0.7, width: float = 6.0) -> Plane:
    """Density of one wash over a shape (coverage 0 to 1).

    Args:
        easel: the sheet.
        shape: where the brush went.
        strength: mean density.
        edge: how much pigment the drying edge gathers.
        width: of that edge, in units.

    Returns:
        Density; paper grain holds pigment in its hollows (granulation), turbulence varies it.
    """
    rim = np.maximum(shape - soften(easel.frame, shape, width), 0) * np.float32(edge * 2)
    varied = 1 + 0.13 * easel.cloud + 0.07 * easel.flow - 0.085 * easel.paper
    return plane(np.maximum(strength * shape * (varied + rim), 0))


def fringe(easel: Easel, distance: Plane, *, astray: float = 9.0, dry: float = 2.0) -> Plane:
    """A brushed boundary: coverage where a signed distance is positive, wandering and broken by the paper's tooth."""
    wandering = distance + easel.flow * np.float32(astray * 0.5) + easel.cloud * np.float32(astray)
    return easel.frame.edge(plane(wandering + easel.paper * np.float32(dry)), 1.2)


def spatter(subject: Subject, easel: Easel, name: str) -> Plane:
    """Density of drops flicked off a brush: many small, few large, in a cloud to one side."""
    frame, rng = subject.frame, subject.rng(name)
    count = int(rng.integers(24, 60))
    middle = rng.uniform((0.1, 0.1), (0.9, 0.9)) * (frame.wide, frame.tall)
    place = middle + rng.standard_normal((count, 2)) * (frame.wide * 0.22, frame.tall * 0.2)
    size = np.exp(rng.normal(0.75, 0.65, count)).clip(0.8, 9)
    drops = dots(frame, np.column_stack([place, size]).astype(np.float32))
    return wash(easel, drops, strength=0.9, edge=0.9, width=3)


def drips(subject: Subject, shape: Plane) -> Plane:
    """Density of a few runs of colour that start at the word's lower edge and end in a bead."""
    frame, rng = subject.frame, subject.rng("drips")
    columns = np.flatnonzero(shape.max(0) > 0.6)
    if not len(columns) or rng.random() < 0.35:
        return np.zeros_like(shape)
    beads = []
    for column in rng.choice(columns, int(rng.integers(1, 4))):
        foot = float(np.flatnonzero(shape[:, column] > 0.6).max(initial=0)) / frame.unit
        length, width = rng.uniform(25, 110), rng.uniform(1.6, 3.4)
        along = np.linspace(0, 1, 60)
        swell = width * (1 - 0.45 * along) + 2.1 * width * np.exp(-(((along - 1) / 0.06) ** 2))
        beads.append(np.column_stack([column / frame.unit + 2 * np.sin(along * 3), foot - 4 + along * length, swell]))
    return plane(dots(frame, np.concatenate(beads).astype(np.float32)) * (1 - shape) * np.float32(0.7))
