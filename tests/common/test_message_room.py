"""Room for messages that are not answered yet."""

import asyncio

from customvision.common.message_room import MessageRoom


async def test_readers_wait_while_bytes_or_messages_fill_it() -> None:
    """Either bound closes it; it opens again once both have room."""
    room = MessageRoom(size=10, count=2)
    with room.held(10):
        assert not room.is_free
        waiting = asyncio.create_task(room.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting
    with room.held(1):
        assert room.is_free
        with room.held(1):
            assert not room.is_free
    assert room.is_free


async def test_what_a_call_holds_is_let_go_of_at_its_end() -> None:
    """Also where it ends early, and once where it is let go of twice."""
    room = MessageRoom(size=10)
    with room.holding() as holding:
        holding.take(6)
        holding.take(6)
        assert not room.is_free
        holding.let_go(1, 6)
        assert room.is_free
        holding.take(6)
    holding.let_go(2, 12)
    assert room.is_free
    with room.held(9):
        assert room.is_free
    with room.held(10):
        assert not room.is_free
