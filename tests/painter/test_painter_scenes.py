"""Every scene of every style, by name: it runs in every format and the word in it can be read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.legibility import FLOOR, measure
from generation.painter import comic, ink, realistic, traditional, watercolor
from generation.painter.engine import STYLE_LAYERS, to_rgb
from generation.painter.firmness import FIRMEST, firm_enough, set_off
from generation.painter.meaning import families_of

STYLES = {"comic": comic, "ink": ink, "realistic": realistic, "traditional": traditional, "watercolor": watercolor}
SCENES = [(style, index) for style, room in STYLES.items() for index in range(len(room.SCENES))]
NAMES = [f"{style} {STYLES[style].SCENES[index][1].__name__} {index}" for style, index in SCENES]
FORMATS = {"square": (512, 512), "wide": (896, 512), "tall": (512, 896)}
SIDE = 112


class Chosen:
    """A subject for whom one choice is made."""

    def __init__(self, subject, thing):
        self.subject, self.thing = subject, thing

    def __getattr__(self, name):
        return getattr(self.subject, name)

    def fitting(self, name, options):
        return self.thing if name == "scene" else self.subject.fitting(name, options)


def picture_of(subject, scene, style, firmness, size, seed):
    word = Chosen(subject("学习", style, seed, size=size, side=SIDE, firmness=firmness), scene)
    canvases = list(STYLE_LAYERS[style](word))
    return canvases[-1]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("style", "index"), SCENES, ids=NAMES)
def test_a_scene_keeps_its_word_readable(subject, write_word, style, index, name):
    size, scene = FORMATS[name], STYLES[style].SCENES[index][1]
    writing = write_word("学习", *size)
    for firmness in range(FIRMEST + 1):
        canvas = picture_of(subject, scene, style, firmness, size, seed=index + 3)
        if firm_enough(to_rgb(canvas), writing, FLOOR):
            break
    image = set_off(to_rgb(canvas), writing)

    assert image.shape[:2] == tuple(round(side * SIDE / 512) for side in size[::-1])
    assert np.isfinite(canvas).all()
    assert firm_enough(image, writing, FLOOR)
    assert image.reshape(-1, 3).std(0).max() > 12


@pytest.mark.parametrize("style", STYLES)
def test_scenes_of_a_style_look_different(subject, style):
    scenes = [scene for _, scene in STYLES[style].SCENES]
    looks = [picture_of(subject, scene, style, 0, (512, 512), seed=5) for scene in dict.fromkeys(scenes)]

    assert min(np.abs(a - b).mean() for i, a in enumerate(looks) for b in looks[:i]) > 0.03


@pytest.mark.parametrize("style", STYLES)
def test_a_run_of_seeds_shows_every_scene(subject, style):
    count = len(STYLES[style].SCENES)
    plain = [("", index) for index in range(count)]

    assert sorted(subject(seed=seed).fitting("scene", plain) for seed in range(count)) == list(range(count))
    assert sorted(subject(seed=seed).fitting("scene", plain) for seed in range(count, 2 * count)) == list(range(count))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("word", ["学习", "水", "Freude"])
def test_asking_again_reaches_every_scene_whatever_the_word_means(subject, style, word):
    scenes = [(tags, index) for index, (tags, _) in enumerate(STYLES[style].SCENES)]

    assert {subject(word, seed=seed, side=64).fitting("scene", scenes) for seed in range(60)} == set(range(len(scenes)))


@pytest.mark.parametrize("style", STYLES)
def test_a_meaning_makes_its_scenes_likelier(subject, style):
    scenes = [(tags, "water" in tags.split()) for tags, _ in STYLES[style].SCENES]
    share = np.mean([subject("水", seed=seed, side=64).fitting("scene", scenes) for seed in range(120)])
    unmoved = np.mean([near for _, near in scenes])

    assert share == pytest.approx((1 + unmoved) / 2, abs=0.12)


FAMILIES = {
    "water": ("sea", "море", "海"),
    "fire": ("love", "любовь", "愛"),
    "night": ("dream", "ночь", "月"),
    "plant": ("flower", "цветок", "花"),
    "mountain": ("journey", "гора", "山"),
    "snow": ("winter", "зима", "雪"),
    "city": ("family", "город", "家"),
    "study": ("language", "язык", "語"),
}


@pytest.mark.parametrize(("family", "said"), FAMILIES.items())
def test_meanings_are_known_in_three_languages(family, said):
    english, russian, han = said

    assert families_of("xyzzy", english) == {family}
    assert families_of("xyzzy", russian) == {family}
    assert families_of(han, "") == {family}


@pytest.mark.parametrize(
    ("word", "translation", "families"),
    [
        ("海山", "", {"water", "mountain"}),
        ("xyzzy", "The Winter SEA", {"snow", "water"}),
        ("book", "", {"study"}),
        ("xyzzy", "rivers and trees", {"water", "plant"}),
        ("学习", "study", {"study"}),
        ("xyzzy", "seaside wintering", set()),
        ("", "", set()),
    ],
)
def test_meanings_are_found_by_whole_words(word, translation, families):
    assert families_of(word, translation) == families


@given(st.text(max_size=30), st.text(max_size=60))
def test_any_text_has_a_meaning_or_none(word, translation):
    assert families_of(word, translation) <= set(FAMILIES)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 12))
def test_a_choice_is_one_of_its_options_and_stays(subject, seed, length):
    options = list(range(length))
    chosen = subject(seed=seed, side=16).choose("x", options)

    assert chosen in options
    assert subject(seed=seed, side=16).choose("x", options) == chosen


def test_two_choices_of_one_length_do_not_move_in_step(subject):
    pairs = {
        (subject(seed=s, side=16).choose("a", range(5)), subject(seed=s, side=16).choose("b", range(5)))
        for s in range(60)
    }

    assert len(pairs) > 15


@pytest.mark.parametrize("style", STYLES)
def test_a_firmer_word_reads_no_worse(subject, write_word, style):
    writing, seen = write_word("Freude"), []
    for level in (0, FIRMEST):
        canvas = list(STYLE_LAYERS[style](subject("Freude", style, 2, side=256, firmness=level)))[-1]
        image = to_rgb(canvas)
        seen.append(measure(np.repeat(np.repeat(image, 2, 0), 2, 1), writing)["contrast"])

    assert seen[1] > seen[0] - 0.02


@pytest.mark.parametrize("style", STYLES)
def test_a_style_composes_the_same_picture_at_every_size(subject, style):
    side = 160
    small, large = (list(STYLE_LAYERS[style](subject("学习", style, 7, side=each)))[-1] for each in (side, side * 2))
    shrunk = large.reshape(side, 2, side, 2, 3).mean((1, 3))

    assert np.corrcoef(shrunk.ravel(), small.ravel())[0, 1] > 0.85
