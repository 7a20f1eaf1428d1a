"""Which facts bring which recommendation, and which bring none."""

from __future__ import annotations

import pytest

from generation.gpu.advice import CODES, Situation, advise
from generation.gpu.nvml import Device, DeviceReport

CARD = Device(0, "RTX 4090", 24_564, 9_000, 60, 300.0, 90, 2500, others_mib=0, own_mib=9_000, uuid="abc")
ENGINE = {
    "engine": "diffusion",
    "version": "1.abc",
    "profile": "medium_memory",
    "profile_why": "device",
    "memory_mib": 24_207,
    "device_uuid": "abc",
    "batch_limit": 2,
}
PAINTER = {"engine": "painter", "version": "1", "median_seconds": {"ink": 1.0}}


def card(**changes) -> Device:
    from dataclasses import replace

    return replace(CARD, **changes)


def codes(engine=ENGINE, *cards: Device, waiting: int = 0, **facts) -> dict[str, dict[str, str | int]]:
    found = advise(Situation({**engine, **facts}, DeviceReport(cards or (CARD,)), waiting))
    assert all(set(advice.arguments) == set(CODES[advice.code]) for advice in found)
    order = list(CODES)
    assert [advice.code for advice in found] == sorted((advice.code for advice in found), key=order.index)
    return {advice.code: dict(advice.arguments) for advice in found}


def none_there(engine, **facts) -> set[str]:
    return {advice.code for advice in advise(Situation({**engine, **facts}, DeviceReport((), "no-driver")))}


def test_a_machine_in_order_gets_no_advice():
    assert codes() == {}
    assert codes(models=[], sizes=[], fallbacks=[], leak=None, out_of_memory=0, weights={"state": "complete"}) == {}


def test_the_painter_alone():
    assert none_there(PAINTER) == {"no-gpu"}
    assert set(codes(PAINTER)) == {"idle"}
    assert codes(PAINTER, card(memory_mib=10_240))["small"] == {"name": "RTX 4090", "size": "10.0"}
    assert "memory-full" not in codes(PAINTER, card(memory_used_mib=24_000))


@pytest.mark.parametrize("code", ["no-torch", "no-cuda-build", "no-driver", "no-device"])
def test_a_machine_without_a_card_is_told_what_a_card_would_change(code):
    standing = {"standing_in": "NoSuitableDevice", "standing_in_details": {"code": code}}
    assert none_there(PAINTER, **standing) == {"no-gpu"}
    assert codes(PAINTER, **standing) == {"stands-in": {"reason": code}}


def test_why_the_painter_stands_in_and_when_the_other_is_tried_again():
    found = codes(PAINTER, standing_in="WrongArchitecture", retry_in_s=59.6)
    assert found == {"stands-in": {"reason": "WrongArchitecture"}, "again": {"seconds": 60}}
    assert codes(PAINTER, standing_in="WrongArchitecture", retry_in_s=0.0)["again"] == {"seconds": 1}
    assert "again" not in codes(PAINTER, standing_in="WrongArchitecture", retry_in_s=None)


def test_missing_weights_name_their_roles():
    standing = {"standing_in": "WeightsMissing", "standing_in_details": {"models": "base, vae"}}
    assert codes(PAINTER, **standing) == {"weights-missing": {"roles": "base, vae"}}
    weights = {"state": "missing", "missing": ["union"]}
    assert codes(PAINTER, **standing, weights=weights) == {"weights-missing": {"roles": "union"}}
    assert codes(weights={"state": "damaged", "missing": ["vae"]}) == {"weights-damaged": {"roles": "vae"}}


def test_a_download_shows_how_far_it_is():
    weights = {"state": "downloading", "done_mib": 3072, "total_mib": 20_480, "missing": ["base"]}
    found = codes(PAINTER, standing_in="WeightsMissing", weights=weights)
    assert found == {"download": {"done": "3.0", "total": "20.0", "percent": 15}}
    assert codes(PAINTER, weights=weights | {"done_mib": 30_000})["download"]["percent"] == 100


def test_a_download_that_failed_names_the_reason():
    weights = {"state": "failed", "missing": ["base"], "error": "HubUnreachable"}
    found = codes(PAINTER, standing_in="WeightsMissing", weights=weights)
    assert found == {"stands-in": {"reason": "HubUnreachable"}, "weights-missing": {"roles": "base"}}


def test_heat_and_power():
    assert codes(ENGINE, card(temperature_c=91)) == {"hot": {"celsius": 91}}
    assert codes(ENGINE, card(temperature_c=84)) == {}
    assert set(codes(ENGINE, card(throttled="heat"))) == {"throttled-heat"}
    assert set(codes(ENGINE, card(throttled="power"))) == {"throttled-power"}
    assert codes(ENGINE, card(temperature_c=None)) == {}


def test_full_memory_that_is_ours():
    assert codes(ENGINE, card(memory_used_mib=23_500)) == {"memory-full": {"used": "22.9", "total": "24.0"}}


def test_full_memory_that_is_somebody_elses():
    assert codes(ENGINE, card(memory_used_mib=23_500, others_mib=12_288)) == {"memory-others": {"size": "12.0"}}
    assert set(codes(ENGINE, card(memory_used_mib=23_500, others_mib=None))) == {"memory-full"}
    assert codes(ENGINE, card(memory_used_mib=12_000, others_mib=8_000)) == {}, "it is not full"


def test_inside_a_container_our_own_memory_is_not_taken_for_anothers():
    """The driver lists this process under a number of the host."""
    foreign = card(memory_used_mib=23_500, own_mib=None, others_mib=23_000)
    assert set(codes(ENGINE, foreign, reserved_mib=22_500)) == {"memory-full"}
    assert codes(ENGINE, foreign, reserved_mib=10_712)["memory-others"] == {"size": "12.0"}


def test_only_the_engines_own_card_is_judged_by_its_memory():
    other = card(memory_used_mib=24_000, uuid="other")
    assert codes(ENGINE, other, CARD) == {}
    assert set(codes(ENGINE, CARD, card(uuid="abc", memory_used_mib=24_000))) == set()
    assert set(codes({**ENGINE, "device_uuid": ""}, other, CARD)) == {"memory-full"}, (
        "the first, when it cannot be told"
    )


def test_memory_that_ran_out():
    assert codes(out_of_memory=3, profile_why="eased") == {
        "out-of-memory": {"count": 3},
        "eased": {"profile": "medium_memory"},
    }
    assert codes(beyond=True) == {"beyond": {"profile": "medium_memory"}}


def size(batch: int, pictures: int) -> dict[str, object]:
    return {"size": "1024x1024", "batch": batch, "pictures": pictures, "median_seconds": 4.0, "peak_mib": 9_216}


def test_a_larger_batch_is_recommended_only_after_full_batches_with_room_to_spare():
    roomy = {"sizes": [size(2, 8)], "peak_mib": 9_216}
    assert codes(**roomy) == {"larger-batch": {"limit": 4, "peak": "9.0"}}
    assert codes(**roomy | {"sizes": [size(1, 50)]}) == {}
    assert codes(**roomy | {"sizes": [size(2, 6)]}) == {}
    assert codes(**roomy | {"peak_mib": 20_000}) == {}
    assert codes(**roomy | {"peak_mib": None}) == {}
    assert codes(**roomy, batch_limit=8) == {}
    assert "larger-batch" not in codes(**roomy, out_of_memory=1)


def test_what_fell_back_and_what_leaks():
    fallbacks = [
        {"what": "attention", "wanted": "xformers", "used": "sdpa", "reason": "r"},
        {"what": "compile", "wanted": "full", "used": "eager", "reason": "r"},
    ]
    found = codes(fallbacks=fallbacks, leak={"mib_per_picture": 20.0, "pictures": 32})
    assert found["attention"] == {"wanted": "xformers", "used": "sdpa"}
    assert found["compile"] == {"wanted": "full", "used": "eager"}
    assert found["leak"] == {"size": 640, "count": 32}


def test_a_long_queue():
    assert codes(waiting=21) == {"crowded": {"waiting": 21}}
    assert codes(waiting=20) == {}
