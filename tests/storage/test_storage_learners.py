"""Learners are met once and speak the language they chose."""

from __future__ import annotations

import asyncio


async def test_meeting_twice_is_one_learner(storage):
    first = await storage.learners.meet(1001, locale="ru")
    again = await storage.learners.meet(1001, locale="ru")
    assert first == again == await storage.learners.get(1001)
    assert (first.user, first.locale, first.blocked) == (1001, "ru", False)


async def test_meeting_at_once_is_one_learner(storage):
    met = await asyncio.gather(*(storage.learners.meet(5, locale="en") for _ in range(20)))
    assert len({learner.id for learner in met}) == 1


async def test_strangers(storage):
    assert await storage.learners.get(1) is None
    assert not await storage.learners.set_locale(1, "ru")
    assert not await storage.learners.set_blocked(1, blocked=True)


async def test_a_chosen_language_wins_over_telegrams(storage):
    await storage.learners.meet(7, locale="en")
    assert await storage.learners.set_locale(7, "zh")
    assert (await storage.learners.meet(7, locale="ru")).locale == "zh"
    assert await storage.learners.set_locale(7, None)
    assert (await storage.learners.get(7)).locale == "ru"


async def test_who_writes_has_unblocked_the_bot(storage):
    await storage.learners.meet(7, locale="en")
    assert await storage.learners.set_blocked(7, blocked=True)
    assert (await storage.learners.get(7)).blocked
    assert not (await storage.learners.meet(7, locale="en")).blocked


async def test_ids_beyond_32_bits(storage):
    user = 2**52 - 1
    assert (await storage.learners.meet(user, locale="en")).user == user
