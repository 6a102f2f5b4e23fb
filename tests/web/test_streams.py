"""Bodies out of a bucket on their way: through pipes, at the reader's pace, in constant memory."""

import asyncio
import os
import time
from io import BytesIO
from typing import BinaryIO

import pytest
from flask import Flask

from lms.files import bucket, store, unfinished
from lms.files import s3 as client
from lms.refusals import StorageAway
from lms.web.front import streams
from lms.web.front.streams import Pipe
from lms.web.sent_contents import FIRST, BucketBody
from tests import buckets
from tests.loops import in_loop


def _unbegun(
    app: Flask, content: bytes, length: int | None = None, reader: int | None = None
) -> BucketBody:
    with app.app_context():
        kept = store.keep(BytesIO(content))
        source = bucket.Content(kept.digest, kept.bytes, 0, length or kept.bytes)
        return BucketBody(source, reader=reader)


def _body(app: Flask, content: bytes, length: int | None = None) -> BucketBody:
    body = _unbegun(app, content, length)
    body.begin()
    return body


def _read_by_another(body: BucketBody) -> tuple[Pipe, BinaryIO, asyncio.Task[None]]:
    pipe = Pipe(body.path)
    reader = body.path.open("rb")
    return pipe, reader, asyncio.create_task(pipe.fill(body))


def test_a_slow_reader_has_little_read_ahead_and_one_who_leaves_ends_it(stored: Flask) -> None:
    body = _body(stored, bytes(10_000_000))

    async def half() -> float:
        _, reader, filling = _read_by_another(body)
        read = await asyncio.to_thread(reader.read, 1_000_000)
        await asyncio.sleep(0.5)
        assert len(read) == 1_000_000
        assert 5_000_000 < body.source.left < 9_000_000
        reader.close()
        left = time.monotonic()
        await filling
        return time.monotonic() - left

    assert in_loop(half()) < 0.5


def test_a_reader_who_pauses_has_nothing_kept_in_memory_and_goes_on_where_it_was(
    stored: Flask, between: buckets.Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_ROOM_SECONDS", 0.05)
    whole = os.urandom(8_000_000)
    body = _body(stored, whole)
    between.passed.clear()

    async def pausing() -> bytes:
        pipe, reader, filling = _read_by_another(body)
        found = await asyncio.to_thread(reader.read, 4_000_000)
        await asyncio.sleep(0.5)
        assert body.source.left >= len(whole) - len(found) - pipe._room - 65_536
        for _ in range(20):  # less than what is asked for again at once
            found += await asyncio.to_thread(reader.read, 5_000)
            await asyncio.sleep(0.1)
        asked = len(between.passed)
        found += await asyncio.to_thread(reader.read)
        reader.close()
        await filling
        assert asked < 15
        return found

    assert in_loop(pausing()) == whole


def test_a_reader_without_room_has_nothing_in_memory_and_nothing_asked_for(
    stored: Flask, between: buckets.Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_OPENED_SECONDS", 1)
    body = _body(stored, bytes(10_000_000))
    between.passed.clear()

    async def wait() -> None:
        _, reader, filling = _read_by_another(body)
        await asyncio.sleep(0.5)
        assert (body.first, between.passed) == (b"", [])
        reader.close()
        await filling

    in_loop(wait())


def test_a_reader_who_leaves_before_the_first_byte_ends_it_soon(
    stored: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_OPENED_SECONDS", 0.3)
    body = _body(stored, bytes(1_000_000))

    async def never() -> None:
        await asyncio.wait_for(Pipe(body.path).fill(body), 5)

    in_loop(never())
    assert body.source.left


def test_what_is_sent_is_what_was_kept_and_what_ends_early_ends_the_answer(
    stored: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_AWAY_SECONDS", 0)
    monkeypatch.setattr(streams, "_AGAIN_SECONDS", 0)
    whole = os.urandom(5_000_000)
    assert in_loop(_read(_body(stored, whole))) == whole
    assert in_loop(_read(_body(stored, whole, 5_000_002))) == whole


def test_an_answer_goes_on_once_a_storage_that_was_away_for_a_moment_is_back(
    stored: Flask, between: buckets.Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_AGAIN_SECONDS", 0.1)
    whole = os.urandom(1_000_000)
    body = _body(stored, whole)
    between.refused = ["GET"] * 5
    assert in_loop(_read(body)) == whole
    assert between.refused == []


def test_a_reader_who_leaves_while_a_storage_is_away_keeps_no_place(
    stored: Flask, between: buckets.Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_AGAIN_SECONDS", 0.1)
    body = _body(stored, bytes(1_000_000))
    between.refused = ["GET"] * 1_000

    async def leave() -> None:
        pipe, reader, filling = _read_by_another(body)
        await asyncio.to_thread(reader.read, FIRST)
        while len(between.refused) > 995:
            await asyncio.sleep(0.01)
        pipe._leave()
        reader.close()
        await asyncio.wait_for(filling, 5)

    in_loop(leave())


def test_an_answer_that_waits_for_a_silent_storage_keeps_nobody_from_the_loop(
    stored: Flask, between: buckets.Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 1.1)
    monkeypatch.setattr(client, "_SLOW_SECONDS", 1)
    monkeypatch.setattr(client, "SHUT_SECONDS", 3)
    monkeypatch.setattr(streams, "_AGAIN_SECONDS", 0.1)
    whole = os.urandom(1_000_000)
    body = _body(stored, whole)
    between.hold("GET")

    async def longest_stop() -> float:
        loop, stops = asyncio.get_running_loop(), []
        reading = loop.create_task(_read(body))
        while not reading.done():
            began = loop.time()
            await asyncio.sleep(0.01)
            stops.append(loop.time() - began)
            if body.source._where in {where for where, _ in client._shut}:
                between.go_on.set()
        assert reading.result() == whole
        return max(stops)

    assert in_loop(longest_stop()) < 1.5


async def _read(body: BucketBody) -> bytes:
    _, reader, filling = _read_by_another(body)
    found = await asyncio.to_thread(reader.read)
    reader.close()
    await filling
    return found


def test_a_server_that_opens_a_pipe_late_finds_nothing_of_another_file(
    stored: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_OPENED_SECONDS", 0)
    monkeypatch.setattr(streams, "_LATE_SECONDS", 0.01)
    late, *others = (_body(stored, bytes([each]) * 1_000_000) for each in range(50))

    async def ask() -> None:
        given_up = Pipe(late.path)
        await given_up.fill(late)
        filling = [asyncio.create_task(Pipe(each.path).fill(each)) for each in others]
        with pytest.raises(FileNotFoundError):
            os.close(os.open(late.path, os.O_RDONLY | os.O_NONBLOCK))
        await asyncio.gather(*filling)

    in_loop(ask())
    with stored.app_context():
        assert list(store.parts().iterdir()) == []


def test_who_opens_a_pipe_that_is_given_up_does_not_wait_for_ever(
    stored: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_AWAY_SECONDS", 0)
    monkeypatch.setattr(streams, "_PIPE", 1 << 20)  # so that nobody has to read before it ends
    body = _body(stored, bytes(300_000), 300_002)

    async def open_meanwhile() -> bytes:
        pipe, opening = Pipe(body.path), body.path.with_name("a")
        os.link(body.path, opening)  # looked up before it was unlinked
        filling = asyncio.create_task(pipe.fill(body))
        while body.path.exists():
            await asyncio.sleep(0.01)
        found = await asyncio.wait_for(asyncio.to_thread(opening.read_bytes), 5)
        await filling
        return found

    assert in_loop(open_meanwhile()) == bytes(300_000)


def test_what_a_killed_server_left_of_pipes_is_swept_and_counts_as_no_upload(stored: Flask) -> None:
    with stored.app_context():
        left = store.part()
        os.mkfifo(left)
        assert unfinished.bytes_announced() == 0
        store.sweep(set)
        assert left.exists()
        then = time.time() - 25 * 3_600
        os.utime(left, (then, then))
        store.sweep(set)
        assert not left.exists()


def test_one_person_can_not_take_the_places_of_all(
    stored: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_OF_ONE", 2)
    monkeypatch.setattr(streams, "_PLACE_SECONDS", 0.2)
    monkeypatch.setattr(streams, "_OPENED_SECONDS", 1)
    mine = [_unbegun(stored, bytes(1_000_000 + each), reader=1) for each in range(3)]
    another = _unbegun(stored, bytes(1_000_003), reader=2)

    async def ask() -> None:
        for each in mine[:2]:
            await streams.begin(each)
        with pytest.raises(StorageAway):
            await streams.begin(mine[2])
        await streams.begin(another)
        monkeypatch.setattr(streams, "_PLACE_SECONDS", 60)
        await streams.begin(mine[2])  # waits until nobody has opened the others
        await asyncio.gather(*filter(None, streams._sent.values()))

    in_loop(ask())


def test_one_more_than_may_be_sent_is_refused_and_asked_for_once_another_has_ended(
    stored: Flask, between: buckets.Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST", 1)
    monkeypatch.setattr(streams, "_PLACE_SECONDS", 0)
    monkeypatch.setattr(streams, "_OPENED_SECONDS", 0.2)
    whole = _unbegun(stored, bytes(1_000_000)), _unbegun(stored, bytes(1_000_001))
    short = _unbegun(stored, b"short")
    between.passed.clear()

    async def ask() -> None:
        await streams.begin(whole[0])
        with pytest.raises(StorageAway):
            await streams.begin(whole[1])
        assert len(between.passed) == 1
        await streams.begin(short)
        assert short.first == b"short"
        while streams._sent:  # nobody reads it
            await asyncio.sleep(0.01)
        between.refused = ["GET"] * 2
        with pytest.raises(StorageAway):
            await streams.begin(whole[1])
        await streams.begin(whole[1])
        assert whole[1].path.is_fifo()
        await asyncio.gather(*filter(None, streams._sent.values()))

    in_loop(ask())
    assert streams._sent == {}
