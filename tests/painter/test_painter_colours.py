"""Colour: palettes a word stands out from, pigment laid in glazes, washes, paper."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from generation.painter import comic_scenes, ink_scenes, pigments, traditional_scenes
from generation.painter.fields import Frame
from generation.painter.palette import blend, glaze, gradient, linear, rgb, swatch, tinted
from generation.painter.paper import cold_press, fibres, lit_paper, rice_paper, toned, vignette, wood_grain
from generation.painter.washes import Easel, drips, easel_for, fringe, spatter, wash
from generation.painter.woodblock import KEY, press_for

FRAME = Frame(128, 128)
READABLE = 4.5
"""Contrast ratio of the Web Content Accessibility Guidelines for text (level AA)."""
WORKS = 3.0
"""The same for large shapes."""
CHANNEL = st.floats(0.02, 1)
COLOURS = st.tuples(CHANNEL, CHANNEL, CHANNEL)


def rng(seed=1):
    return np.random.default_rng(seed)


def luminance(colour):
    return float(
        np.dot((0.2126, 0.7152, 0.0722), [((c + 0.055) / 1.055) ** 2.4 if c > 0.04 else c / 12.92 for c in colour])
    )


def ratio(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lowest(ones, others):
    return min(ratio(one, other) for one in ones for other in others)


def flat(value):
    return np.full((FRAME.height, FRAME.width), value, np.float32)


@pytest.mark.parametrize(("tags", "inks"), comic_scenes.PALETTES)
def test_comic_letters_stand_out_from_their_rim_and_outline(tags, inks):
    assert lowest(inks.word, (inks.rim, comic_scenes.INK)) >= READABLE, tags
    assert luminance(inks.word[0]) > luminance(inks.word[-1])


def test_ink_stands_out_from_every_rice_paper():
    assert lowest(ink_scenes.INKS, ink_scenes.PAPERS) > 2 * READABLE


@pytest.mark.parametrize(("tags", "box"), pigments.PALETTES)
def test_watercolor_words_stand_out_from_paper_and_sky(tags, box):
    assert lowest(box.word, (box.paper,)) >= READABLE, tags
    assert lowest(box.word, box.sky) >= WORKS, tags
    assert ratio(box.deep, box.light) >= READABLE, tags


@pytest.mark.parametrize(("tags", "box"), pigments.PALETTES)
def test_watercolor_hills_darken_towards_the_viewer(tags, box):
    seen = [luminance(colour) for colour in box.hills]

    assert len(seen) == 4
    assert seen == sorted(seen, reverse=True), tags


@pytest.mark.parametrize(("tags", "minerals"), traditional_scenes.PALETTES)
def test_printed_words_stand_out_from_washi_and_from_the_dark(tags, minerals):
    assert lowest(minerals.word, [rgb("#f1e4c6")]) >= READABLE, tags
    assert lowest(minerals.pale, (minerals.water[0], KEY)) >= READABLE, tags


@pytest.mark.parametrize(
    "palettes", [comic_scenes.PALETTES, pigments.PALETTES, traditional_scenes.PALETTES], ids=["comic", "water", "print"]
)
def test_palettes_are_colours_and_all_different(palettes):
    colours = [getattr(box, field) for _, box in palettes for field in type(box).__slots__]
    single = [one for group in colours for one in (group if isinstance(group[0], tuple) else [group])]

    assert all(len(one) == 3 and min(one) >= 0 and max(one) <= 1 for one in single)
    assert len({box for _, box in palettes}) == len(palettes)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_notation_and_colour_agree(channels):
    assert np.allclose(rgb("#{:02x}{:02x}{:02x}".format(*channels)), np.array(channels) / 255)


def test_a_swatch_is_several_colours():
    assert swatch("#000000 #ffffff") == ((0, 0, 0), (1, 1, 1))


@given(COLOURS, COLOURS, st.floats(0, 1))
def test_a_blend_lies_between_its_colours(a, b, amount):
    for low, high, between in zip(np.minimum(a, b), np.maximum(a, b), blend(a, b, amount), strict=True):
        assert low - 1e-6 <= between <= high + 1e-6


@given(COLOURS)
def test_linear_light_keeps_black_white_and_order(colour):
    assert linear((0, 0, 0)) == (0, 0, 0)
    assert linear((1, 1, 1)) == (1, 1, 1)
    assert all(np.less_equal(linear(colour), colour))


@settings(max_examples=30, deadline=None)
@given(COLOURS, COLOURS, st.floats(0, 2), st.floats(0, 2))
def test_glazes_add_up_as_densities(paper, pigment, first, second):
    """Two thin layers are one thick one: the law of Beer and Lambert in Bousseau's model."""
    frame = Frame(4, 4)
    layered = glaze(frame.blank(paper), pigment, np.full((4, 4), first, np.float32))
    layered = glaze(layered, pigment, np.full((4, 4), second, np.float32))
    at_once = glaze(frame.blank(paper), pigment, np.full((4, 4), first + second, np.float32))

    assert np.allclose(layered, at_once, atol=1e-4)
    assert np.allclose(at_once[0, 0], np.array(paper) * np.array(pigment) ** (first + second), atol=1e-3)


@given(COLOURS)
def test_no_density_leaves_the_paper(paper):
    assert np.array_equal(
        glaze(Frame(4, 4).blank(paper), (0.1, 0.2, 0.3), np.zeros((4, 4), np.float32))[0, 0], np.float32(paper)
    )


def test_a_glaze_of_many_colours_is_each_colours_glaze():
    run = gradient((rgb("#203080"), rgb("#c04020")), np.broadcast_to(FRAME.x / 1024, (128, 128)))
    laid = glaze(FRAME.blank((1, 1, 1)), run, flat(0.7))

    assert np.allclose(laid, run**0.7, atol=2e-3)


def test_glazing_is_the_same_in_either_order():
    wash_a, wash_b = (rgb("#3070a0"), flat(0.4)), (rgb("#c08030"), flat(0.9))
    one, other = FRAME.blank((1, 1, 1)), FRAME.blank((1, 1, 1))
    for colour, density in (wash_a, wash_b):
        glaze(one, colour, density)
    for colour, density in (wash_b, wash_a):
        glaze(other, colour, density)

    assert np.allclose(one, other, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(hnp.arrays(np.float32, (8, 8), elements=st.floats(-2, 3, width=32)))
def test_a_gradient_never_leaves_its_colours(position):
    seen = gradient((rgb("#102030"), rgb("#f0e0d0")), position)

    assert (seen >= np.array(rgb("#102030")) - 1e-5).all()
    assert (seen <= np.array(rgb("#f0e0d0")) + 1e-5).all()


def test_tinting_scales_a_colour():
    assert np.allclose(tinted(flat(0.5), (1, 0.4, 0.2)), (0.5, 0.2, 0.1))


def still_easel():
    """A sheet without texture, on which a wash is nothing but its own shape."""
    return Easel(FRAME, flat(0), flat(0), flat(0))


def half_sheet():
    shape = flat(0)
    shape[:, :64] = 1
    return shape


def test_an_even_wash_has_its_strength_inside_and_nothing_outside():
    density = wash(still_easel(), half_sheet(), strength=0.6, edge=0)

    assert np.allclose(density[:, :60], 0.6)
    assert density[:, 68:].max() == 0


@pytest.mark.parametrize("edge", [0.3, 0.7, 1.4])
def test_a_drying_edge_gathers_pigment(edge):
    density = wash(still_easel(), half_sheet(), edge=edge, width=24)[64]

    assert density[63] == pytest.approx(1 + edge, abs=0.35 * edge)
    assert density[20] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_washes_granulate_in_the_hollows_of_the_paper(subject, seed):
    easel = easel_for(subject(seed=seed, side=128))
    density = wash(easel, np.ones_like(easel.paper), edge=0)

    assert np.corrcoef(density.ravel(), easel.paper.ravel())[0, 1] < -0.3
    assert density.min() >= 0
    assert density.mean() == pytest.approx(1, abs=0.05)


@given(st.floats(0.1, 2), st.floats(0.1, 2))
def test_a_stronger_wash_is_denser(a, b):
    weak, strong = sorted((a, b))
    laid = [wash(still_easel(), half_sheet(), strength=each) for each in (weak, strong)]

    assert (laid[1] >= laid[0] - 1e-6).all()


def test_a_brushed_boundary_wanders_about_the_line(subject):
    easel = easel_for(subject(side=128))
    straight = np.broadcast_to(easel.frame.x - 512, easel.paper.shape)
    ragged = fringe(easel, straight, astray=20)

    assert ragged[:, :44].max() == 0
    assert ragged[:, -44:].min() == 1
    assert (ragged > 0.5).sum(1).std() > 0.5


def test_spatter_is_small_and_drips_hang_under_the_word(subject):
    words = [subject("Freude", seed=seed, side=128) for seed in range(8)]
    drops = [spatter(word, easel_for(word), "a") for word in words]
    runs = [drips(word, word.mask) for word in words]

    assert all(0 < drop.mean() < 0.05 for drop in drops)
    assert any(run.any() for run in runs)
    assert all(run[: int(word.box[1] * word.frame.unit)].sum() == 0 for run, word in zip(runs, words, strict=True))
    assert all((run[word.mask == 1] == 0).all() for run, word in zip(runs, words, strict=True))


def test_no_word_drips_nothing(subject):
    assert not any(drips(subject(seed=seed), np.zeros((160, 160), np.float32)).any() for seed in range(4))


PAPERS = {
    "cold-pressed": lambda random: lit_paper(FRAME, cold_press(FRAME, random), rgb("#fbf9f3")),
    "rice": lambda random: rice_paper(FRAME, random, rgb("#f3ead6")),
}


@pytest.mark.parametrize("name", PAPERS)
def test_paper_is_its_tint_with_little_texture(name):
    sheet = PAPERS[name](rng())

    assert np.allclose(sheet.mean((0, 1)), rgb("#fbf9f3" if name == "cold-pressed" else "#f3ead6"), atol=0.02)
    assert 0.001 < sheet.std((0, 1)).max() < 0.06
    assert (sheet >= 0).all()
    assert (sheet <= 1).all()


@pytest.mark.parametrize("name", PAPERS)
def test_each_sheet_is_another(name):
    assert np.array_equal(PAPERS[name](rng(1)), PAPERS[name](rng(1)))
    assert not np.array_equal(PAPERS[name](rng(1)), PAPERS[name](rng(2)))


def test_relief_is_lit_from_the_upper_left():
    bump = np.exp(-(((FRAME.x - 512) / 100) ** 2) - ((FRAME.y - 512) / 100) ** 2).astype(np.float32) * 8
    sheet = lit_paper(FRAME, bump, (0.8, 0.8, 0.8))[..., 0]

    assert sheet[58, 58] > 0.8 > sheet[70, 70]


def test_more_fibres_cover_more():
    few, many = (fibres(FRAME, rng(), count).mean() for count in (10, 100))

    assert 0 < few < many < 0.5


def test_wood_grain_runs_across_the_sheet():
    grain = wood_grain(Frame(256, 256), rng())

    assert grain.min() >= 0
    assert grain.max() <= 1
    assert np.abs(np.diff(grain, axis=0)).mean() > 2 * np.abs(np.diff(grain, axis=1)).mean()


@given(st.floats(0, 1))
def test_a_vignette_is_bright_in_the_middle_and_falls_by_its_strength(strength):
    factor = vignette(FRAME, strength)

    assert factor[64, 64] == pytest.approx(1, abs=1e-3)
    assert factor[0, 0] == pytest.approx(1 - strength, abs=0.03)


def test_toning_pulls_towards_a_colour():
    sheet = toned(FRAME.blank((0.5, 0.5, 0.5)), (1, 0.5, 0), 0.5)

    assert np.allclose(sheet, (0.5, 0.375, 0.25))


def test_a_press_prints_only_inside_its_margins(subject):
    press = press_for(subject(side=128))
    canvas = press.washi.copy()
    press.print(canvas, rgb("#1d4a86"), np.ones_like(press.grain))

    assert np.array_equal(canvas[:3], press.washi[:3])
    assert np.abs(canvas[64, 64] - press.washi[64, 64]).max() > 0.4


def test_wood_grain_shows_through_the_print(subject):
    press = press_for(subject(side=160))
    canvas = press.washi.copy()
    press.print(canvas, rgb("#1d4a86"), np.ones_like(press.grain))
    inner = (slice(20, 140), slice(20, 140))

    assert np.corrcoef(canvas[inner][..., 0].ravel(), press.grain[inner].ravel())[0, 1] > 0.5
