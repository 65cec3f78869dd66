"""Tail numbers of aircraft registered in the United States."""

from __future__ import annotations

import re

from pyflink.table import DataTypes
from pyflink.table.udf import udf

# 14 CFR 47.15: N and up to five characters; digits first, none of them a leading zero, then at most two
# letters, without I and O, which look like digits.
_LETTER = "[A-HJ-NP-Z]"
_N_NUMBER = re.compile(rf"N[1-9](\d{{0,4}}|\d{{0,3}}{_LETTER}|\d{{0,2}}{_LETTER}{{2}})", re.ASCII)
_GAPS = re.compile(r"[\s-]+")


class NotATailNumber(ValueError):
    """No aircraft can be registered under this number."""


def normal_form(written: str) -> str:
    """The tail number as the registry writes it: ``" n-10156 "`` is ``N10156``.

    Raises:
        NotATailNumber: the registry has no such number, however it is written.
    """
    compact = _GAPS.sub("", written).upper()
    if not _N_NUMBER.fullmatch(compact):
        raise NotATailNumber
    return compact


tail_number = udf(normal_form, input_types=[DataTypes.STRING()], result_type=DataTypes.STRING())
