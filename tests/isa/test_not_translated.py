"""Does a word that is not translated say what it is?"""

import pytest

from wherever.isa.aarch64.table import not_translated


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (0x9B020C20, None),
        (0xA400A020, "FEAT_SVE"),
        (0x19010443, "FEAT_MOPS"),
        (0xD9E02800, "FEAT_MTE"),
        (0x1EE02020, "FEAT_FP16"),
        (0xFFFFFFFF, "unallocated (group: Scalar Floating-Point and Advanced SIMD)"),
        (0x02000000, "unallocated (group: Unallocated)"),
    ],
)
def test_message(word: int, says: str | None) -> None:
    message = not_translated(word)
    if says is None:
        assert message is None
    else:
        assert message is not None
        assert says in message
