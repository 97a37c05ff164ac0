from __future__ import annotations

import threading
import warnings

import pytest

from ingest.decode.seam import silenced_pillow, translated_errors
from schemas.errors import DecodeError, SourceTooLarge


def test_pillows_warnings_are_silenced_for_all_threads_until_the_last_one_is_done() -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with silenced_pillow():
            entered.set()
            leave.wait(10)

    def warn() -> None:
        warnings.warn_explicit("x", UserWarning, "Image.py", 1, module="PIL.Image")

    thread = threading.Thread(target=other)
    with silenced_pillow():
        thread.start()
        entered.wait(10)
        warn()
    leave.set()
    thread.join()
    with pytest.warns(UserWarning, match="x"):
        warn()


@pytest.mark.parametrize("error", [SyntaxError, OverflowError, EOFError])
def test_whatever_a_library_raises_is_a_decode_error(error: type[Exception]) -> None:
    with (
        pytest.raises(
            DecodeError, match=f"it broke \\({error.__name__}: why\\); mend it"
        ) as caught,
        translated_errors("folder://r/a", "it broke", "mend it"),
    ):
        raise error("why")
    assert isinstance(caught.value.__cause__, error)


def test_want_of_memory_is_not_called_damage() -> None:
    with (
        pytest.raises(DecodeError, match="decoding it takes more memory than there is; mend it"),
        translated_errors("folder://r/a", "it broke", "mend it"),
    ):
        raise MemoryError


def test_our_own_errors_and_interruptions_pass() -> None:
    for error in (SourceTooLarge("folder://r/a", "big"), KeyboardInterrupt()):
        with (
            pytest.raises(type(error)) as caught,
            translated_errors("folder://r/a", "it broke", "mend it"),
        ):
            raise error
        assert caught.value is error
