"""Tail numbers: what the registry would write, whatever was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.tails import NotATailNumber, normal_form

LETTER = st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZ")
N_NUMBERS = st.builds(
    lambda first, rest, letters: f"N{first}{rest[: 4 - len(letters)]}{letters}",
    st.sampled_from("123456789"),
    st.text("0123456789", max_size=4),
    st.text(LETTER, max_size=2),
)


@given(N_NUMBERS)
def test_a_number_is_its_own_normal_form(number: str) -> None:
    assert normal_form(number) == number


@given(N_NUMBERS, st.text(" -\t", max_size=3), st.booleans())
def test_writing_does_not_matter(number: str, gap: str, small: bool) -> None:
    written = gap + gap.join(number.lower() if small else number) + gap
    assert normal_form(written) == number


@given(st.text())
def test_anything_has_a_form_that_stays_or_none(written: str) -> None:
    try:
        form = normal_form(written)
    except NotATailNumber:
        return
    assert normal_form(form) == form
    assert form.isascii()


@pytest.mark.parametrize(
    "written",
    ["", "N", "N0EGMQ", "N01", "N123456", "N1234AB", "N12I", "N1O", "NA1", "D942DN", "N1AB2", "N1²"],
)
def test_no_aircraft_is_registered_so(written: str) -> None:
    with pytest.raises(NotATailNumber) as refused:
        normal_form(written)
    assert not refused.value.args, "a message would show the value"
