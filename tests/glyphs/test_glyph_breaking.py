from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.glyphs.breaking import Break, Place, places_to_break
from generation.glyphs.layout import split_evenly
from generation.glyphs.words import graphemes


def _pieces(word: str) -> str:
    """The word with `|` at every permitted break, `|` doubled where a hyphen appears."""
    clusters = graphemes(word)
    marks = {place.at: "-|" if place.hyphen else "|" for place in places_to_break(clusters)}
    return "".join(marks.get(i, "") + cluster for i, cluster in enumerate(clusters))


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("学习", "学|习"),
        ("コーヒー", "コー|ヒー"),
        ("いらっしゃい", "い|らっ|しゃ|い"),
        ("「本」。", "「本」。"),
        ("안녕 하세요", "안|녕 |하|세|요"),
        ("日本語abc", "日|本|語|abc"),
        ("how are you?", "how |are |you?"),
        ("Freundschaft", "Freund-|schaft"),
        ("internationalization", "in-|ter-|na-|tio-|na-|li-|za-|tion"),
        ("достопримечательность", "до-|сто-|при-|ме-|ча-|тель-|ность"),
        ("study", "study"),
        ("straight", "straight"),
        ("well-known", "well-|known"),
        ("semi\u00adcolon", "semi\u00ad-|colon"),
        ("Οδυσσέας", "Οδυσσέας"),
        ("любовь", "любовь"),
        ("δημοκρατικός", "δη-|μο-|κρα-|τι-|κός"),
        ("السلام عليكم", "السلام |عليكم"),
        ("תלמידים", "תלמידים"),
        ("विद्यार्थी", "वि-|द्या-|र्थी"),
        ("สวัสดีเพื่อน", "สวัสดี|เพื่อน"),
        ("ขอบคุณ", "ขอบคุณ"),
        ("မြန်မာ", "မြန်မာ"),
    ],
)
def test_words_break_where_their_script_allows(word, pieces):
    assert _pieces(word) == pieces


@settings(deadline=None)
@given(st.text(st.sampled_from("abcияحب学あー。「 -กเะที่क्षיש\u00ad"), max_size=24))
def test_breaks_are_inside_ordered_and_never_in_a_joined_word(word):
    clusters = graphemes(word)
    places = places_to_break(clusters)
    assert [place.at for place in places] == sorted({place.at for place in places})
    for place in places:
        before, after = clusters[place.at - 1], clusters[place.at]
        assert not ("ح" in before + after and before[0] in "حب" and after[0] in "حب")
        assert after[0] not in "ー。" or before == " "


WIDTHS = st.lists(st.floats(0.1, 2.0), min_size=2, max_size=9)


@settings(deadline=None)
@given(WIDTHS, st.integers(2, 5))
def test_the_split_has_the_narrowest_widest_line_there_is(widths, count):
    places = [Place(at, Break.SQUARE) for at in range(1, len(widths))]
    count = min(count, len(widths))

    def widest(cuts: tuple[int, ...]) -> float:
        edges = [0, *cuts, len(widths)]
        return max(sum(widths[a:b]) for a, b in pairwise(edges))

    best = min(map(widest, combinations(range(1, len(widths)), count - 1)))
    chosen = tuple(place.at for place in split_evenly(widths, places, count))
    assert len(chosen) == count - 1
    assert widest(chosen) == pytest.approx(best)
