from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contract.load import load
from headrace.table.outputs import Output, derived_outputs, outputs

CONTRACTS = Path(__file__).parents[2] / "contracts"
FLIGHTS, HOURLY, MEASURED = (
    load(CONTRACTS / f"{name}.odcs.yaml") for name in ("flights", "departures_hourly", "flights_measured")
)


def test_a_contract_says_which_kind_of_job_writes_its_table() -> None:
    assert [c.kind for c in (FLIGHTS, HOURLY, MEASURED)] == ["ingest", "derive", "derive"]
    assert [c.has_topic for c in (FLIGHTS, HOURLY)] == [True, False]
    assert [c.job_has_state for c in (FLIGHTS, HOURLY)] == [False, True]


def test_publish_appends_what_an_ingest_job_writes() -> None:
    assert [(o.id, o.mode, o.key) for o in outputs(FLIGHTS)] == [
        ("flights__quarantine", "append", ()),
        ("flights", "append", ()),
    ]


def test_only_results_whose_contract_says_so_amend() -> None:
    assert [(o.id, o.mode) for o in derived_outputs([HOURLY], [FLIGHTS])] == [
        ("departures_hourly__late", "append"),
        ("departures_hourly", "amend"),
    ]
    assert {o.mode for o in derived_outputs([MEASURED], [FLIGHTS])} == {"append"}


@pytest.mark.parametrize("given", [{"mode": "amend"}, {"key": ("origin",)}])
def test_rows_that_amend_have_a_key_and_others_have_none(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="only rows that amend have a key"):
        Output("departures_hourly", (), **given)  # type: ignore[arg-type]
