"""Real children: they give what the library gives, and die at the cost of one item."""

from __future__ import annotations

import logging
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decode.image import DecodedImage, decode_frames, decode_image
from ingest.decode.limits import Limits
from ingest.decode.policy import DecodePolicy
from ingest.decode.sandbox import ALLOWANCE_BYTES, Sandbox, to_allowance_bytes
from ingest.decode.text import decode_text
from schemas.errors import DecodeError, DecoderUnavailable, SourceError
from tests import hostile_documents, hostile_images
from tests.hostile_images import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[3]
LIMITS = Limits()
URI = "folder://r/a.jpg"
PLAIN = encoded(picture(), "JPEG")
SLOW = b"- a\n" * 74_000
"""A Markdown list just below the length that is parsed: many seconds of pure Python."""

MEDIA_TYPES = {"txt": "text/plain", "md": "text/markdown", "pdf": "application/pdf"}
MEDIA_TYPES |= {"html": "text/html", "xhtml": "application/xhtml+xml"}
HOSTILE = [
    *((name, content) for name, content in hostile_images.iter_sound()),
    *((name, content) for name, content, _ in hostile_images.iter_unsound()),
    *((name, content) for name, content in hostile_documents.iter_sound()),
    *((name, content) for name, content, _ in hostile_documents.iter_unsound()),
]
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can do or show that")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


def image_in(sandbox: Sandbox, content: bytes = PLAIN, limits: Limits = LIMITS) -> DecodedImage:
    return sandbox.decode_image(content, URI, limits=limits, side_pixels=224)


def to_end(decode: Callable[[], object]) -> object:
    """What comes out, in a form that can be compared."""
    try:
        return to_comparable(decode())
    except SourceError as error:
        return error.kind, error.args


def to_comparable(decoded: object) -> object:
    if isinstance(decoded, DecodedImage):
        image = decoded.image
        return image.mode, image.size, image.info, image.tobytes(), repr(decoded).partition(",")[2]
    return decoded


@pytest.mark.parametrize(("name", "content"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_a_child_gives_what_the_library_gives(sandbox: Sandbox, name: str, content: bytes) -> None:
    media_type = MEDIA_TYPES.get(name.rpartition(".")[2])
    if media_type is None:
        here = to_end(lambda: decode_image(content, URI, limits=LIMITS, side_pixels=224))
        there = to_end(lambda: image_in(sandbox, content))
    else:
        here = to_end(lambda: decode_text(content, URI, media_type, limits=LIMITS))
        there = to_end(lambda: sandbox.decode_text(content, URI, media_type, limits=LIMITS))
    assert there == here


@given(
    st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]),
    st.integers(1, 900),
    st.integers(1, 900),
    st.integers(1, 300),
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_mode_and_size_comes_back_to_the_pixel(
    sandbox: Sandbox, mode: str, width: int, height: int, side_pixels: int
) -> None:
    image = picture(width, height)
    converted = image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)
    content = encoded(converted, "PNG")
    here = decode_image(content, URI, limits=LIMITS, side_pixels=side_pixels)
    there = sandbox.decode_image(content, URI, limits=LIMITS, side_pixels=side_pixels)
    assert to_comparable(there) == to_comparable(here)


def test_frames_come_back_as_the_library_gives_them(sandbox: Sandbox) -> None:
    content = hostile_images.animation("GIF")
    policy = DecodePolicy(frames=3)
    here = decode_frames(content, URI, limits=LIMITS, side_pixels=224, policy=policy)
    there = sandbox.decode_frames(content, URI, limits=LIMITS, side_pixels=224, policy=policy)
    assert isinstance(there, tuple)
    assert list(map(to_comparable, there)) == list(map(to_comparable, here))


def test_larger_limits_allow_more_memory_in_proportion() -> None:
    assert to_allowance_bytes(LIMITS) == ALLOWANCE_BYTES
    assert to_allowance_bytes(Limits(max_source_bytes=1000)) == ALLOWANCE_BYTES
    assert to_allowance_bytes(Limits(max_image_pixels=150_000_000)) == 3 * ALLOWANCE_BYTES


def test_what_does_not_fit_into_the_shared_memory_takes_the_other_way(sandbox: Sandbox) -> None:
    with Sandbox(shared_bytes=4096) as narrow:
        assert to_end(lambda: image_in(narrow)) == to_end(lambda: image_in(sandbox))
        pixels = image_in(narrow).image.tobytes()
    assert len(PLAIN) < 4096 < len(pixels)
    assert pixels == image_in(sandbox).image.tobytes()  # a copy: the memory is gone


def test_without_anonymous_memory_an_unlinked_file_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)  # as on macOS
    with Sandbox() as elsewhere:
        here = decode_image(PLAIN, URI, limits=LIMITS, side_pixels=224)
        assert to_comparable(image_in(elsewhere)) == to_comparable(here)


def test_one_child_serves_until_it_has_served_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.decode.sandbox._MAX_CALLS", 2)
    with Sandbox() as sandbox:
        pids = []
        for _ in range(4):
            image_in(sandbox)
            pids.append(sandbox.pid)
    assert pids[0] == pids[1] != pids[2] == pids[3]
    assert sandbox.pid is None


def test_what_decoders_log_is_logged_here(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.decode_text(b"word " * 30_000, URI, "text/plain", limits=LIMITS)
    expected = ("ingest.decode.text", logging.WARNING, f"{URI}: a long document")
    ((name, level, message),) = caplog.record_tuples
    assert (name, level, message[: len(expected[2])]) == expected
    sandbox.decode_text(b"word", URI, "text/plain", limits=LIMITS)
    assert len(caplog.records) == 1


def test_only_what_is_listed_can_be_called(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="no decoding function: 'eval'; there are decode_frames"):
        sandbox.call("eval", b"1", URI)
    with pytest.raises(TypeError, match="no type that travels"):
        sandbox.call("decode_image", PLAIN, URI, limits={}, side_pixels=224)
    with pytest.raises(DecodeError, match=r"the decoder failed .*'sides'.*; please report it"):
        sandbox.call("decode_image", PLAIN, URI, limits=LIMITS, sides=224)


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@on_linux
@pytest.mark.parametrize(
    ("number", "described"),
    [
        (signal.SIGKILL, "SIGKILL, perhaps because memory ran out"),
        (signal.SIGSEGV, "SIGSEGV"),
        (signal.SIGABRT, "SIGABRT"),
        (signal.SIGRTMIN + 1, f"signal {signal.SIGRTMIN + 1}"),
    ],
)
def test_a_child_that_dies_costs_one_item(number: int, described: str) -> None:
    with Sandbox() as sandbox, ThreadPoolExecutor() as threads:
        image_in(sandbox)
        pid = sandbox.pid
        assert pid is not None
        before = cpu_seconds(pid)
        dying = threads.submit(sandbox.decode_text, SLOW, URI, "text/markdown", limits=LIMITS)
        wait_until(lambda: cpu_seconds(pid) > before + 0.1)
        os.kill(pid, number)
        with pytest.raises(DecodeError) as caught:
            dying.result()
        assert caught.value.source_uri == URI
        assert caught.value.reason == (
            f"the decoder died ({described}); the file is damaged or hostile: restore or remove it"
        )
        assert image_in(sandbox).width_pixels == 96
        assert sandbox.pid not in {None, pid}
    assert not is_alive(pid)


def test_a_child_that_dies_between_two_items_costs_none() -> None:
    with Sandbox() as sandbox:
        image_in(sandbox)
        pid = sandbox.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert image_in(sandbox).width_pixels == 96
        assert sandbox.pid != pid


def test_an_item_that_takes_too_long_is_given_up() -> None:
    with Sandbox(timeout_seconds=0.75) as sandbox:
        with pytest.raises(DecodeError, match=r"^folder://r/a.jpg: decoding took more than 0.75 s"):
            sandbox.decode_text(SLOW, URI, "text/markdown", limits=LIMITS)
        assert sandbox.pid is None
        assert sandbox.decode_text(b"- a", URI, "text/markdown", limits=LIMITS).text == "a"


@on_linux
def test_an_item_that_takes_too_much_memory_is_given_up() -> None:
    bomb = hostile_images.bomb_png(13_000, 10_000)
    roomy = Limits(max_image_pixels=150_000_000)
    with Sandbox(allowance_bytes=128 << 20) as sandbox:
        image_in(sandbox)
        pid = sandbox.pid
        with pytest.raises(DecodeError, match="takes more memory than there is"):
            image_in(sandbox, bomb, roomy)
        assert image_in(sandbox).width_pixels == 96
        assert sandbox.pid == pid
    with Sandbox() as sandbox:
        assert image_in(sandbox, bomb, roomy).width_pixels == 13_000


def test_closing_leaves_no_descriptor_and_no_child() -> None:
    before = open_descriptors()
    with Sandbox(timeout_seconds=0.75) as sandbox:
        for _ in range(2):
            image_in(sandbox)
            sandbox.close()
        image_in(sandbox)
        pid = sandbox.pid
        assert pid is not None
        with pytest.raises(DecodeError):
            sandbox.decode_text(SLOW, URI, "text/markdown", limits=LIMITS)
        image_in(sandbox)
    sandbox.close()
    assert open_descriptors() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_a_sandbox_that_is_forgotten_leaves_nothing_either() -> None:
    before = open_descriptors()
    sandbox = Sandbox()
    image_in(sandbox)
    pid = sandbox.pid
    assert pid is not None
    del sandbox
    assert open_descriptors() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize(
    ("executable", "detail"),
    [
        ("/nowhere/python", "No such file or directory"),
        ("/bin/false", "exit status 1"),
        ("/bin/echo", "exit status 0"),
    ],
)
def test_a_child_that_cannot_start_is_no_items_fault(
    monkeypatch: pytest.MonkeyPatch, executable: str, detail: str
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    descriptors = open_descriptors()
    with (
        Sandbox() as sandbox,
        pytest.raises(DecoderUnavailable, match=f"'{executable}' .*{detail}"),
    ):
        image_in(sandbox)
    assert open_descriptors() == descriptors


@on_linux
def test_a_child_has_few_powers_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "secret")
    with Sandbox(allowance_bytes=1 << 30) as fresh:
        held_back = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        image_in(fresh)
        signal.pthread_sigmask(signal.SIG_SETMASK, held_back)
        pid = fresh.pid
        assert pid is not None
        process = Path(f"/proc/{pid}")
        assert b"secret" not in (process / "environ").read_bytes()
        assert (process / "cwd").readlink() == Path("/")
        status = (process / "status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert f"SigBlk:\t{0:016x}" in status
        assert (process / "oom_score_adj").read_text() == "1000\n"
        mapped = int((process / "statm").read_text().split()[0]) * resource.getpagesize()
        space, hard = resource.prlimit(pid, resource.RLIMIT_AS)
        assert space == hard
        assert 0 <= mapped + (1 << 30) - space < 64 << 20
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
        assert resource.prlimit(pid, resource.RLIMIT_FSIZE) == (256 << 20,) * 2
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (64, 64)
        assert os.getsid(pid) == pid
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)
        image_in(fresh)
        assert fresh.pid == pid


START_ONE = """
import os, signal, sys, threading, time
from ingest.decode.limits import Limits
from ingest.decode.sandbox import Sandbox
sandbox = Sandbox()
sandbox.decode_text(b"- a", "u", "text/markdown", limits=Limits())
assert "PIL" not in sys.modules
print(sandbox.pid, flush=True)
"""
ENDS = {
    "returns": "",
    "raises": "raise SystemExit(3)",
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "is killed while the child works": """
slow = b"- a\\n" * 74_000
decode = lambda: sandbox.decode_text(slow, "u", "text/markdown", limits=Limits())
threading.Thread(target=decode, daemon=True).start()
time.sleep(0.3)
os.kill(os.getpid(), signal.SIGKILL)
""",
    "goes on after its starting thread has ended": """
again = Sandbox()
decode = lambda: again.decode_text(b"a", "u", "text/plain", limits=Limits())
thread = threading.Thread(target=decode)
thread.start()
thread.join()
pid = again.pid
time.sleep(0.1)
decode()
assert again.pid == pid
""",
}


@on_linux
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_no_child_outlives_its_parent(end: str, tmp_path: Path) -> None:
    script = f"import sys; sys.path[0] = {str(ROOT)!r}\n{START_ONE}{end}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    pid = int(done.stdout)
    wait_until(lambda: not is_alive(pid), seconds=3)  # the slow item would take longer


INTERRUPTED = """
import os, signal
from ingest.decode.limits import Limits
from ingest.decode.sandbox import Sandbox
signal.signal(signal.SIGINT, signal.default_int_handler)  # who began the tests may ignore it
sandbox = Sandbox()
decode = lambda content: sandbox.decode_text(content, "u", "text/markdown", limits=Limits())
decode(b"- a")
pid = sandbox.pid
try:
    os.killpg(0, signal.SIGINT)
except KeyboardInterrupt:
    print(decode(b"- a").text, sandbox.pid == pid)
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    decode(b"- a\\n" * 74_000)
except KeyboardInterrupt:
    print(decode(b"- b").text, sandbox.pid == pid)
"""


def test_an_interrupt_is_for_the_parent_to_act_on() -> None:
    """Between items the child goes on; a call that is broken off takes its child along."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", INTERRUPTED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    assert (done.stdout, done.stderr) == ("a True\nb False\n", "")


def test_importing_it_loads_no_decoder() -> None:
    script = (
        "import sys, ingest.decode.sandbox_pool; "
        "print({'PIL', 'numpy', 'lxml', 'ctypes', 'ingest.decode.image'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
