"""A child that was taken over can lie about its item, and that is all."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ingest.decode.limits import Limits
from ingest.decode.sandbox import Sandbox
from schemas.errors import DecodeError, SourceTooLarge
from tests.hostile_images import encoded, picture

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.decode.image import DecodedImage

URI = "folder://r/a.jpg"
PLAIN = encoded(picture(), "JPEG")

FORGER = """#!{python}
import json, os, socket, struct, sys
options = json.loads(sys.argv[-1])
connection = socket.socket(fileno=options["stream"])
def send(text):
    connection.sendall(struct.pack("<I", len(text)) + text)
send(json.dumps({{"sizes": [], "is_shared": True}}).encode())
connection.recv(1 << 16)
{answer}
"""


def write_forger(folder: Path, answer: str) -> str:
    """A program that is started as a child is, and answers the first call with what it likes."""
    forger = folder / "python"
    forger.write_text(FORGER.format(python=sys.executable, answer=answer))
    forger.chmod(0o700)
    return str(forger)


def message(body: object) -> str:
    header = {"sizes": [], "is_shared": True, "records": []}
    return f"send(json.dumps({{**{header}, **{body}}}).encode())"


def bulk(sizes: str, shared: str) -> str:
    return f'send(b\'{{"sizes": {sizes}, "is_shared": {shared}}}\')'


FORGED = {
    "no JSON": ("send(b'{')", "JSONDecodeError"),
    "no object": ("send(b'[]')", "AttributeError|TypeError"),
    "too deep": ("send(b'[' * 100_000)", "RecursionError"),
    "a huge header": ("connection.sendall(bytes([255] * 4))", "ValueError"),
    "huge buffers": (bulk("[1e99]", "false"), "ValueError"),
    "too much": (bulk("[9999999999]", "false"), "ValueError"),
    "too much to share": (bulk("[99999999]", "true"), "ValueError"),
    "a negative size": (bulk("[-1]", "true"), "ValueError"),
    "nothing": (bulk("[]", "true"), "KeyError"),
    "another class": (message({"result": {"record": ["Popen", {"args": "true"}]}}), "KeyError"),
    "another error": (message({"error": ["StoreUnavailable", "later"]}), "KeyError"),
    "an error that is none": (message({"error": ["SystemExit", "1"]}), "KeyError"),
    "a record of a log that is none": (message({"records": [[1, 2, 3]]}), "TypeError"),
    "pixels that are not there": (message({"result": {"image": ["L", 1, 1, 0]}}), "IndexError"),
}


def decode(sandbox: Sandbox) -> DecodedImage:
    return sandbox.decode_image(PLAIN, URI, limits=Limits(), side_pixels=224)


@pytest.mark.parametrize(("answer", "error"), FORGED.values(), ids=FORGED.keys())
def test_what_a_compromised_child_answers_costs_its_item_alone(
    answer: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forger = write_forger(tmp_path, answer)
    with Sandbox() as sandbox:
        with monkeypatch.context() as forging:
            forging.setattr(sys, "executable", forger)
            with pytest.raises(DecodeError, match=rf"gave no sound answer \(({error})\)"):
                decode(sandbox)
        assert decode(sandbox).width_pixels == 96


def test_an_error_names_the_item_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = message({"error": ["SourceTooLarge", "folder://r/another.jpg", "large"]})
    forger = write_forger(tmp_path, answer)
    monkeypatch.setattr(sys, "executable", forger)
    with Sandbox() as sandbox, pytest.raises(SourceTooLarge, match=f"^{URI}: large$"):
        decode(sandbox)


def test_a_child_says_why_it_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forger = tmp_path / "python"
    words = "sys.stderr.write('one\\nfree(): invalid pointer\\n'); sys.stderr.flush(); os.abort()"
    forger.write_text(FORGER.format(python=sys.executable, answer=words))
    forger.chmod(0o700)
    monkeypatch.setattr(sys, "executable", forger)
    with (
        Sandbox() as sandbox,
        pytest.raises(
            DecodeError, match=r"the decoder died \(SIGABRT: free\(\): invalid pointer\)"
        ),
    ):
        decode(sandbox)
