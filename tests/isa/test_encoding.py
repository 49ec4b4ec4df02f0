"""Are encoding diagrams read as they are drawn, and are mistakes in them caught?"""

import pytest

from wherever.isa.encoding import parse_diagram


def test_a_diagram_gives_mask_match_and_fields() -> None:
    encoding = parse_diagram("sf:1 00 11011 000 Rm:5 0 Ra:5 Rn:5 Rd:5")
    assert (encoding.mask, encoding.match) == (0x7FE08000, 0x1B000000)
    assert encoding.field("rm").of(0x9B020C20) == 2
    assert encoding.field("rm").put(2) == 0x20000
    assert encoding.accepts(0x9B020C20)


def test_a_field_may_be_fixed_in_part_or_exclude_a_value() -> None:
    encoding = parse_diagram("a:2=0x b:3!=000 x 10", width=8)
    assert [word for word in range(256) if encoding.accepts(word)] == [
        word for word in range(256) if word >> 7 == 0 and word >> 3 & 7 != 0 and word & 3 == 2
    ]


@pytest.mark.parametrize(
    ("diagram", "complaint"),
    [
        ("0101", "has 4 bits instead of 8"),
        ("0101 0101 1", "longer than 8 bits"),
        ("a:4=01 0000", "gives 2 of 4 bits"),
        ("a:4 a:4", "names a field twice"),
        ("a:4 b-4", "neither bits nor a field"),
    ],
)
def test_a_mistake_is_a_value_error_that_quotes_the_diagram(diagram: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_diagram(diagram, width=8)
