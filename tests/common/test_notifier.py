"""Waking watchers."""

import asyncio

from customvision.common.notifier import Notifier, wait


async def test_a_touch_wakes_those_who_wait_for_its_topic() -> None:
    """All watchers of the topic wake, those of another do not."""
    notifier = Notifier()
    first, second, other = notifier.subscribe("a"), notifier.subscribe("a"), notifier.subscribe("b")
    notifier.touch("a")
    assert await wait(first, 1)
    assert await wait(second, 1)
    assert not await wait(other, 0.01)


async def test_a_touch_between_subscription_and_wait_is_not_missed() -> None:
    """Whoever subscribed before reading the store learns of what changed after."""
    notifier = Notifier()
    event = notifier.subscribe("a")
    notifier.touch("a")
    assert await wait(event, 0.01)
    assert not notifier.subscribe("a").is_set()


async def test_closing_wakes_everyone_for_good() -> None:
    """Watchers of before and after the close end alike."""
    notifier = Notifier()
    waiting = asyncio.create_task(wait(notifier.subscribe("a"), 10))
    await asyncio.sleep(0)
    notifier.close()
    assert await waiting
    assert notifier.closed
    assert await wait(notifier.subscribe("b"), 0.01)


async def test_a_topic_that_nobody_waits_for_takes_no_room() -> None:
    """Topics may be named by callers: each is gone with its last watcher."""
    notifier = Notifier()
    kept = notifier.subscribe("a")
    for number in range(100):
        notifier.subscribe(f"unheard of {number}")
    assert list(notifier._events) == ["a"]
    notifier.touch("a")
    assert kept.is_set()
