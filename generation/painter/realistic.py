"""Realistic: the word as a solid thing in a photographed scene. Knows the darkroom; scenes are in `realistic_scenes`.

Letters are a distance-field bevel with normals, lit by lamp and surroundings, with cast shadow and ambient occlusion.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generation.painter.fields import Canvas, plane, shade, spread
from generation.painter.light import bloom, develop
from generation.painter.paper import vignette
from generation.painter.realistic_open import OPEN_SCENES
from generation.painter.realistic_scenes import STUDIO_SCENES
from generation.painter.subject import Subject

SCENES = (*STUDIO_SCENES, *OPEN_SCENES)


def layers(subject: Subject) -> Iterator[Canvas]:
    """Empty frame, scene with its ground, letters in it, developed photograph. See `subject.Layers`."""
    frame = subject.frame
    yield frame.blank((0.02, 0.02, 0.02))
    stages = subject.fitting("scene", SCENES)(subject)
    canvas = next(stages)
    yield develop(canvas)
    canvas = next(stages)
    yield canvas
    canvas = bloom(frame, canvas, 0.95, 0.35)
    shade(canvas, vignette(frame, 0.42))
    picture = develop(canvas)
    film = subject.rng("film").standard_normal((frame.height, frame.width), np.float32)
    picture += spread(film * np.float32(0.011))
    yield plane(np.clip(picture, 0, 1))
