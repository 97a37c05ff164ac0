from __future__ import annotations

import pytest

from ingest.decode.policy import DecodePolicy


def test_the_description_names_what_departs_from_the_defaults() -> None:
    assert DecodePolicy().describe() == ""
    assert DecodePolicy(frames=4).describe() == "frames=4"
    assert DecodePolicy(3, ocr=True, figures=False).describe() == "figures=False,frames=3,ocr=True"


@pytest.mark.parametrize("frames", [0, -1])
def test_a_policy_leaves_an_image_at_least_one_frame(frames: int) -> None:
    with pytest.raises(ValueError, match=f"frames={frames}"):
        DecodePolicy(frames=frames)
