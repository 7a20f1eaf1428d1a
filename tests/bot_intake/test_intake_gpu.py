"""`/gpu` in three languages: every fact is shown, every recommendation has its words, and one message holds it all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.handlers.gpu_advice import KEYS, sentence
from bot.handlers.gpu_page import LONGEST_UNITS, Facts, page
from bot.texts import Texts
from generation.contracts import errors
from generation.gpu.advice import CODES, Advice
from generation.gpu.devices import REASONS
from generation.gpu.nvml import Device, DeviceReport
from storage import Inventory, State

ADMIN = 9001
LOCALES = ("en", "ru", "zh")
TEXTS = Texts.load()
CARD = Device(
    0, "RTX <4090>", 24_564, 24_000, 91, 312.4, 99, 2520, others_mib=512, own_mib=23_000, capability=(8, 9), uuid="u"
)
MODELS = [
    {"role": role, "model": f"someone/{role}-sdxl-1.0", "seconds": 3.25, "mib": 2386}
    for role in ("base", "vae", "canny", "depth", "segmentation", "scribble")
]
ENGINE = {
    "engine": "diffusion",
    "version": "1.0a1b2c3d",
    "device": "RTX <4090>",
    "device_name": "cuda:0",
    "device_uuid": "u",
    "memory_mib": 24_207,
    "profile": "medium_memory",
    "profile_why": "setting",
    "overrides": ["batch_limit", "layout"],
    "batch_limit": 2,
    "dtype": "bf16",
    "layout": "multi",
    "placement": "resident",
    "plan": "reference",
    "attention": "sdpa",
    "compile": "regional",
    "allocated_mib": 17_408,
    "reserved_mib": 19_456,
    "weights": {"state": "complete", "missing": []},
    "models": MODELS,
    "sizes": [{"size": "1024x1024", "batch": 2, "pictures": 8, "median_seconds": 7.25, "peak_mib": 20_480}],
    "warm_up": [{"word": word, "seconds": 1.24, "mib": 8123} for word in "测试验学习"],
}


def kept() -> Inventory:
    return Inventory(
        orders={State.QUEUED: 1}, pictures=3, picture_bytes=2**20, budget_bytes=2**32, learners=2, database_bytes=2**20
    )


def shown(engine, *cards: Device, locale: str = "en", waiting: int = 0, **report) -> str:
    facts = {
        "engine": engine,
        "cards": DeviceReport(cards, None if cards else "no-driver", "580"),
        "processor": "CPU",
        "cores": 2,
    }
    return page(TEXTS, locale, Facts(report=facts | report, waiting=waiting, kept=kept()))


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("locale", LOCALES)
def test_a_card_shows_its_figures(locale):
    text = shown(ENGINE, CARD, locale=locale, last_s=[1.04, 2.5], process_mib=300, memory_total_mib=4096)
    for part in ("RTX &lt;4090&gt;", "23.4", "24.0", "91", "99", "312", "2520", "580", "8.9", "0.5", "1.0 · 2.5"):
        assert part in text
    assert "<4090>" not in text


@pytest.mark.parametrize("locale", LOCALES)
def test_the_engine_shows_how_it_is_set_up(locale):
    text = shown(ENGINE, CARD, locale=locale)
    for part in ("diffusion", "1.0a1b2c3d", "medium_memory", "cuda:0", "batch_limit, layout", "17.0", "19.0"):
        assert part in text
    assert "multi · resident · bf16 · reference · sdpa · regional" in text
    assert TEXTS.get("gpu-why-setting", locale) in text


@pytest.mark.parametrize("locale", LOCALES)
def test_models_pictures_and_warm_up(locale):
    text = shown(ENGINE, CARD, locale=locale)
    for model in MODELS:
        assert f"{model['role']} {model['model']}" in text
    for part in ("3.2", "2386", "1024x1024 × 2", "7.2", "20.0", "测 1.24 s 8123 MiB · 试"):
        assert part in text
    assert TEXTS.get("gpu-weights-complete", locale) in text


@pytest.mark.parametrize("locale", LOCALES)
def test_an_approximate_plan_says_so(locale):
    approximate = f"quality {TEXTS.get('gpu-plan-approximate', locale)} · sdpa"
    assert approximate in shown(ENGINE | {"plan": "quality", "plan_approximate": True}, CARD, locale=locale)
    exact = shown(ENGINE | {"plan_approximate": False}, CARD, locale=locale)
    assert "reference · sdpa" in exact


def test_the_painter_alone_has_neither_profile_nor_models():
    painter = {"engine": "painter", "version": "1", "painted": 3, "median_seconds": {"ink": 1.0}}
    text = shown(painter)
    for key in ("gpu-models-none", "gpu-models", "gpu-weights-complete"):
        assert TEXTS.get(key, "en") not in text
    assert "Profile" not in text
    assert TEXTS.get("gpu-advice-no-gpu", "en") in text


def test_weights_on_their_way():
    engine = ENGINE | {"engine": "painter", "standing_in": "WeightsMissing", "models": []}
    downloading = {"state": "downloading", "done_mib": 1024, "total_mib": 10_240, "missing": ["base", "vae"]}
    text = shown(engine | {"weights": downloading}, CARD)
    assert "downloading, 1.0 of 10.0 GiB, 10%" in text
    assert "10%" in text
    assert TEXTS.get("gpu-models-none", "en") in text
    text = shown(engine | {"weights": {"state": "downloading", "missing": ["base"]}}, CARD)
    assert TEXTS.get("gpu-weights-listing", "en") in text, "the hub has not answered yet"
    text = shown(engine | {"weights": {"state": "missing", "missing": ["base", "vae"]}}, CARD)
    assert "missing: base, vae" in text
    assert "models fetch" in text
    assert "damaged: vae" in shown(engine | {"weights": {"state": "damaged", "missing": ["vae"]}}, CARD)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("code", CODES)
def test_every_recommendation_is_said_in_every_language(locale, code, caplog):
    def say(key, **arguments):
        return TEXTS.get(key, locale, **arguments)

    numbers = {"count", "percent", "seconds", "waiting", "limit", "celsius"}
    arguments = {name: 3 if name in numbers else f"<{name}>" for name in CODES[code]}
    text = sentence(say, Advice(code, arguments))
    assert text.startswith("•")
    assert not caplog.records, "no argument is missing"
    assert all(f"&lt;{name}&gt;" in text for name in CODES[code] if name not in numbers | {"reason"})


def test_no_code_is_without_words_and_no_words_without_a_code():
    assert set(KEYS) == set(CODES)


REASON_NAMES = [
    *REASONS,
    *(
        kind.__name__
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.EngineUnavailable)
    ),
]


@pytest.mark.parametrize("reason", REASON_NAMES)
def test_every_reason_to_stand_in_is_said_and_never_in_english_to_others(reason):
    said = {
        locale: sentence(
            lambda key, locale=locale, **arguments: TEXTS.get(key, locale, **arguments),
            Advice("stands-in", {"reason": reason}),
        )
        for locale in LOCALES
    }
    assert len(set(said.values())) == 3
    other = TEXTS.get("gpu-reason-other", "en")
    assert (other in said["en"]) == (reason in {"EngineUnavailable", "WeightsMissing"})


@pytest.mark.parametrize("locale", LOCALES)
def test_the_fullest_page_fits_one_message(locale):
    engine = ENGINE | {
        "version": "v" * 40,
        "device": "我" * 200,
        "profile": "p" * 200,
        "overrides": ["field"] * 100,
        "models": [model | {"model": "m" * 200} for model in MODELS * 3],
        "sizes": ENGINE["sizes"] * 20,
        "warm_up": ENGINE["warm_up"] * 10,
        "beyond": True,
        "profile_why": "eased",
        "out_of_memory": 7,
        "standing_in": "WrongArchitecture",
        "retry_in_s": 30.0,
        "weights": {"state": "damaged", "missing": ["segmentation"] * 50},
        "leak": {"mib_per_picture": 9.5, "pictures": 32},
        "fallbacks": [
            {"what": what, "wanted": "w" * 200, "used": "u", "reason": "r"} for what in ("attention", "compile")
        ],
    }
    cards = [replace(CARD, index=n, name="😀" * 100, throttled="heat") for n in range(16)]
    text = shown(engine, *cards, locale=locale, waiting=99, last_s=[1.0] * 10, process_mib=1, memory_total_mib=2)
    assert units(text) <= LONGEST_UNITS
    for tag in ("b", "code"):
        assert text.count(f"<{tag}>") == text.count(f"</{tag}>")
    assert TEXTS.get("gpu-advice-title", locale) in text
    assert "12" in text, "cards that are not shown are counted"
    assert units(shown(ENGINE, CARD, locale=locale)) < LONGEST_UNITS / 2


async def test_the_command_shows_it(room):
    room.report.update(engine=ENGINE, cards=DeviceReport((CARD,), None, "580"))
    for locale in LOCALES:
        await room.write("/gpu", user=ADMIN, person={"language_code": locale})
        text = room.courier.said[-1].text
        assert "RTX &lt;4090&gt;" in text
        assert room.reads("gpu-advice-hot", locale, celsius=91) in text
