from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from generation.conditioning import METHODS, make, make_all, method, method_named, methods_of
from generation.contracts.errors import UnknownKind, UnknownMethod
from generation.contracts.request import KINDS
from generation.glyphs import write

WRITING = write("学习", language="zh-Hans", width=512, height=512)


def test_every_kind_has_its_method():
    assert {kind: methods_of(kind)[0] for kind in KINDS} == {
        "canny": "opencv_canny",
        "depth": "distance_transform_depth",
        "segmentation": "black_and_white_segmentation",
        "scribble": "skeletonization_scribble",
    }


@pytest.mark.parametrize("kind", ["", "Canny", "pose"])
def test_an_unknown_kind_is_refused_with_those_there_are(kind):
    with pytest.raises(UnknownKind) as refused:
        make(kind, WRITING, seed=1)
    assert refused.value.details == {"kind": kind, "known": "canny, depth, segmentation, scribble"}


def test_an_unknown_method_is_refused_with_those_of_its_kind():
    with pytest.raises(UnknownMethod) as refused:
        make("canny", WRITING, seed=1, method="opencv_kanny")
    assert refused.value.details["method"] == "opencv_kanny"
    assert "opencv_canny" in str(refused.value.details["known"])


def test_nothing_is_drawn_when_one_wish_is_wrong():
    with pytest.raises(UnknownMethod):
        make_all(KINDS, WRITING, seed=1, methods={"scribble": "none_such"})


def test_the_registry_cannot_be_written_from_outside():
    with pytest.raises(TypeError):
        METHODS["pose"] = {}


def test_a_name_is_taken_once():
    def opencv_canny(writing, *, seed):
        return np.zeros((*writing.mask.shape, 3), np.uint8)

    with pytest.raises(ValueError, match="registered twice"):
        method("canny")(opencv_canny)


def test_side_by_side_gives_what_one_by_one_gives():
    together = make_all(KINDS, WRITING, seed=5)
    assert list(together) == list(KINDS)
    for kind in KINDS:
        alone = make(kind, WRITING, seed=5)
        assert (together[kind].kind, together[kind].method) == (kind, method_named(kind).name)
        assert (together[kind].image == alone.image).all()


def test_only_what_is_asked_for_is_made():
    assert make_all((), WRITING, seed=1) == {}
    assert list(make_all(("depth", "depth"), WRITING, seed=1)) == ["depth"]


def test_methods_may_be_named_in_pairs_and_run_on_a_given_pool():
    with ThreadPoolExecutor(1) as pool:
        made = make_all(("canny",), WRITING, seed=1, methods=(("canny", "opencv_canny"),), executor=pool)
    assert made["canny"].method == "opencv_canny"
