"""Channels bound what waits, end when their producers do, and let nobody hang."""

from __future__ import annotations

from threading import Thread
from time import sleep

import pytest

from ingest.channel import ByteBudget, Channel, ChannelAborted


def test_items_come_in_order_and_end_with_the_last_producer() -> None:
    channel: Channel[int] = Channel(2, producers=2)

    def produce(numbers: range) -> None:
        for number in numbers:
            channel.put(number)
        channel.finish()

    threads = [Thread(target=produce, args=(range(start, start + 50),)) for start in (0, 50)]
    for thread in threads:
        thread.start()
    got = list(channel)
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(100))
    assert [number for number in got if number < 50] == list(range(50))
    assert channel.is_finished


def test_a_full_channel_makes_its_producer_wait() -> None:
    channel: Channel[int] = Channel(3, producers=1)
    put: list[int] = []

    def produce() -> None:
        for number in range(10):
            channel.put(number)
            put.append(number)
        channel.finish()

    thread = Thread(target=produce)
    thread.start()
    while len(put) < 3:
        sleep(0.001)
    sleep(0.05)
    assert put == [0, 1, 2]
    assert list(channel) == list(range(10))
    thread.join()


def test_nothing_in_time_is_none_and_not_the_end() -> None:
    channel: Channel[int] = Channel(1, producers=1)
    assert channel.get(0.01) is None
    assert not channel.is_finished
    channel.put(7)
    assert channel.get(0.01) == 7


def test_a_closed_channel_hands_out_what_waits_and_takes_nothing_more() -> None:
    channel: Channel[int] = Channel(1, producers=2)
    channel.put(7)
    ended: list[bool] = []

    def produce() -> None:
        try:
            channel.put(8)
        except ChannelAborted:
            ended.append(True)
        channel.finish()

    thread = Thread(target=produce)
    thread.start()
    assert channel.close()
    thread.join()
    assert ended == [True]
    assert list(channel) == [7]
    assert channel.is_finished
    assert not channel.close()


@pytest.mark.parametrize("waits", ["put", "get"])
def test_an_aborted_channel_wakes_whoever_waits(waits: str) -> None:
    channel: Channel[int] = Channel(1, producers=1)
    woken: list[bool] = []

    def wait() -> None:
        try:
            if waits == "put":
                channel.put(1)
                channel.put(2)
            else:
                channel.get()
        except ChannelAborted:
            woken.append(True)

    thread = Thread(target=wait)
    thread.start()
    sleep(0.02)
    channel.abort()
    thread.join(timeout=60)
    assert woken == [True]
    with pytest.raises(ChannelAborted):
        channel.put(3)


def test_a_budget_admits_what_fits_and_one_item_that_never_would() -> None:
    budget = ByteBudget(100)
    budget.take(500)
    admitted: list[int] = []

    def take() -> None:
        budget.take(60)
        admitted.append(60)

    thread = Thread(target=take)
    thread.start()
    sleep(0.03)
    assert admitted == []
    budget.give(500)
    thread.join(timeout=60)
    assert admitted == [60]
    budget.take(40)
    budget.abort()
    with pytest.raises(ChannelAborted):
        budget.take(1)
