"""Background tasks: kept, reported, ended."""

from __future__ import annotations

import asyncio
import gc
import logging
import re

import pytest

from bot.nursery import Nursery
from tests.bot_outgoing.hands import until

SECRET = "learner's word 学习 and 8600000001:" + "a" * 35


async def fail() -> None:
    raise ValueError(SECRET)


async def test_failure_is_logged_by_type_and_reference_only(caplog: pytest.LogCaptureFixture) -> None:
    nursery = Nursery()
    nursery.spawn(fail(), name="delivery")
    await until(lambda: not len(nursery))
    (record,) = [record for record in caplog.records if record.name == "bot.nursery"]
    text = logging.Formatter().format(record)
    assert re.search(r"delivery failed, reference [0-9a-f]{8}: ValueError in fail \(", text)
    assert SECRET not in text
    assert "学习" not in text


async def test_tasks_survive_the_garbage_collector() -> None:
    nursery, done = Nursery(), []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    for _ in range(50):
        nursery.spawn(work(), name="work")
    gc.collect()
    await until(lambda: len(done) == 50)


async def test_close_waits_then_cancels() -> None:
    nursery, ended = Nursery(), []

    async def quick() -> None:
        await asyncio.sleep(0.02)
        ended.append("quick")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    nursery.spawn(quick(), name="quick")
    nursery.spawn(endless(), name="endless")
    assert await nursery.close(0.1) == 1
    assert ended == ["quick", "endless"]
    assert len(nursery) == 0


async def test_close_of_an_empty_nursery() -> None:
    assert await Nursery().close(0) == 0


async def test_close_from_inside_does_not_wait_for_itself() -> None:
    nursery = Nursery()
    closing = nursery.spawn(_close(nursery), name="closing")
    assert await asyncio.wait_for(closing, 1) == 0


async def _close(nursery: Nursery) -> int:
    return await nursery.close(0.01)


async def test_result_is_there_for_who_wants_it() -> None:
    async def answer() -> int:
        return 42

    assert await Nursery().spawn(answer(), name="answer") == 42
