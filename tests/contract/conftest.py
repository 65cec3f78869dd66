"""The orders contract, whole or spoilt."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contract.load import load
from headrace.contract.model import Contract
from tests.contract.orders_contract import MARK, ORDERS, Edit, Spoilt


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """``edited(old, new, …)``: the orders contract with replacements; ``# <-`` marks the line to blame."""

    def edit(*replacements: str) -> Spoilt:
        text = ORDERS
        for old, new in zip(replacements[::2], replacements[1::2], strict=True):
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
            text = text.replace(old, new)
        path = tmp_path / "orders.odcs.yaml"
        path.write_text(text)
        marked = [i for i, line in enumerate(text.splitlines(), 1) if MARK in line]
        return Spoilt(path, marked[0] if marked else 0)

    return edit


@pytest.fixture
def orders(edited: Edit) -> Contract:
    return load(edited().path)
