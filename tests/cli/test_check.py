"""``headrace check``: all files, all errors, no code run, no JVM."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from headrace.cli import check
from headrace.errors import HeadraceError, UsageError
from headrace.job.assemble import load_program

ROOT = Path(__file__).parents[2]
JOB = 'from headrace.job import Ingest, run\n\nJOB = Ingest(contract="flights", checkpoint_every="10s")\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "jobs").mkdir()
    shutil.copy(ROOT / "contracts" / "flights.odcs.yaml", tmp_path / "contracts")
    (tmp_path / "jobs" / "flights.py").write_text(JOB)
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    check.register(app)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def as_json(*arguments: str) -> tuple[int, list[dict[str, object]]]:
    code, text = run("-o", "json", *arguments)
    return code, json.loads(text)


def spoil(folder: Path, old: str, new: str) -> str:
    """Edit one place of the contract; returns its line."""
    path = folder / "contracts" / "flights.odcs.yaml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return f"contracts/flights.odcs.yaml:{text[: text.index(old)].count(chr(10)) + 1}"


@pytest.mark.usefixtures("folder")
def test_a_sound_project_has_no_errors() -> None:
    code, results = as_json()
    assert code == 0
    assert [(f["kind"], f["name"], f["ok"], f["holds"], f["errors"]) for f in results] == [
        ("contract", "flights", True, "1.0.0, 18 columns, 7 rules", []),
        ("job", "flights", True, "Ingest of flights", []),
    ]


def test_every_error_of_every_file_is_reported(folder: Path) -> None:
    delay = spoil(folder, "PT3H", "3h")
    rule = spoil(folder, "origin <> dest", "origin <> 5")
    (folder / "contracts" / "empty.odcs.yaml").write_text("")
    (folder / "jobs" / "other.py").write_text(JOB)
    code, text = run()
    assert code == 1
    for message in (
        f"{rule}: rule leaves_its_origin: origin (string) is compared with 5 (integer)",
        f"{delay}: watermarkDelay: '3h' is not an ISO 8601 duration",
        "contracts/empty.odcs.yaml:1: a contract is one mapping of keys",
        "jobs/other.py:3: the job is named 'flights' by its contract, the file 'other'",
        "→ name the file jobs/flights.py",
    ):
        assert message in text


def test_a_property_without_effect_is_a_warning(folder: Path) -> None:
    where = spoil(
        folder, "status: active\n", "status: active\nslaProperties:\n  - property: latency\n    value: 4\n"
    )
    line = f"{where[:-1]}{int(where[-1]) + 1}"
    warning = (
        "slaProperties (latency) is not acted on:"
        " no service level is measured: alert on what `headrace status flights` shows"
    )
    code, results = as_json("flights")
    assert code == 0
    assert results[0]["warnings"] == [f"{line}: {warning}"]
    kept = [
        "description.limitations",
        "domain",
        "name",
        "schema.properties.enum.label",
        "servers.host",
        "status",
    ]
    assert results[0]["documentation"] == kept
    text = run("flights")[1].replace("\n", " ")
    assert f"kept as documentation: {', '.join(kept)}" in text
    assert f"warning: {line}: {warning}" in text


def test_a_table_that_has_no_job_of_its_name_names_no_command(folder: Path) -> None:
    spoil(folder, "status: active\n", "status: active\nslaProperties:\n  - property: latency\n    value: 4\n")
    (folder / "jobs" / "flights.py").unlink()

    (warning,) = as_json("flights")[1][0]["warnings"]

    assert warning.endswith(": alert on the `status` of the job that writes the table")


def test_errors_are_structured_in_json(folder: Path) -> None:
    where = spoil(folder, "version: 1.0.0", "version: one")
    code, results = as_json("flights")
    assert code == 1
    assert results[0]["errors"] == [
        {
            "error": "contract",
            "what": "version one is not major.minor.patch",
            "where": where,
            "remedy": "write version: 1.0.0",
        }
    ]


JOBS = {
    "unknown contract": (
        "JOB = Derive(reads=['fights'], steps=['a'], writes=['flights'])\n",
        1,
        "there is no contract 'fights'",
    ),
    "no job": ("X = 1\n", 1, "the file declares no job"),
    "something else": ("\nJOB = Enrich(reads=[])\n", 2, "the file declares no job"),
    "nothing written": (
        "\nJOB = Derive(reads=['flights'], steps=['a'], writes=[])\n",
        2,
        "the job has no writes",
    ),
    "no steps": (
        "JOB = Derive(reads=['flights'], steps=[], writes=['flights'])\n",
        1,
        "the job has no steps",
    ),
    "not plain": (
        "NAME = 'x'\nJOB = Ingest(contract=NAME)\n",
        2,
        "the contract of the job is not a literal string",
    ),
    "no contract": ("JOB = Ingest()\n", 1, "the contract of the job is not a literal string"),
    "syntax": ("JOB = 1\nJOB = Ingest(\n", 2, "not Python: '(' was never closed"),
}


@pytest.fixture
def derive(folder: Path) -> Path:
    """A folder with the job departures_hourly, which amends."""
    for place in ("contracts/departures_hourly.odcs.yaml", "jobs/departures_hourly.py"):
        shutil.copy(ROOT / place, folder / place)
    shutil.copytree(ROOT / "sql" / "departures_hourly", folder / "sql" / "departures_hourly")
    return folder


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("LEFT JOIN w FOR SYSTEM_TIME AS OF f.t AS w", "a temporal join cannot amend"),
        ("MATCH_RECOGNIZE (PATTERN (a b))", "MATCH_RECOGNIZE cannot amend"),
        ("WHERE LAG(x) OVER (ORDER BY t) > 1", "an OVER window cannot amend"),
    ],
)
def test_only_grouped_windows_amend(derive: Path, words: str, message: str) -> None:
    step = derive / "sql" / "departures_hourly" / "hourly.sql"
    step.write_text(f"SELECT *\nFROM flights AS f\n{words}\n")
    code, (result,) = as_json("departures_hourly")[0], [f for f in as_json()[1] if f["kind"] == "job"][:1]
    assert code == 1
    errors = result["errors"]
    assert isinstance(errors, list)
    assert message in errors[0]["what"]
    assert errors[0]["where"] == "sql/departures_hourly/hourly.sql:3"


def test_a_like_pattern_that_java_matches_endlessly_is_refused(derive: Path) -> None:
    step = derive / "sql" / "departures_hourly" / "hourly.sql"
    step.write_text("SELECT *\nFROM flights\nWHERE carrier LIKE 'A_%'\n  AND dest NOT LIKE '%_a%_a%_b'\n")
    code, results = as_json("departures_hourly")
    assert code == 1
    (error,) = results[-1]["errors"]  # type: ignore[misc]
    assert error["what"].startswith("LIKE '%_a%_a%_b' becomes a regular expression")
    assert error["where"] == "sql/departures_hourly/hourly.sql:4"


SIDES = "SELECT a, t FROM flights", "SELECT b, t FROM flights"


@pytest.mark.parametrize("word", ["UNION ALL", "UNION", "EXCEPT", "INTERSECT"])
@pytest.mark.parametrize("query", ["{0}\n{word} {1}", "({0})\n{word} ({1})", "({0}\n{word}\n{1})"])
def test_a_union_right_inside_a_window_function_is_refused(derive: Path, word: str, query: str) -> None:
    step = derive / "sql" / "departures_hourly" / "hourly.sql"
    inner = query.format(*SIDES, word=word)
    step.write_text(f"SELECT *\nFROM TABLE(HOP(({inner}), DESCRIPTOR(t), INTERVAL '1' HOUR))\n")
    code, results = as_json("departures_hourly")
    assert code == 1
    (error,) = results[-1]["errors"]  # type: ignore[misc]
    assert error["what"].startswith(f"Flink reads only the query before this {word.split(maxsplit=1)[0]}")
    assert error["where"] == "sql/departures_hourly/hourly.sql:3"


@pytest.mark.parametrize(
    "source",
    [
        "TABLE flights",
        "(SELECT * FROM ({0} UNION ALL {1}))",
        "({0} WHERE a IN ({0} UNION {1}))",
    ],
)
def test_a_union_elsewhere_is_accepted(derive: Path, source: str) -> None:
    step = derive / "sql" / "departures_hourly" / "hourly.sql"
    query = "SELECT * FROM TABLE(TUMBLE(SOURCE, DESCRIPTOR(t), INTERVAL '1' HOUR)) UNION ALL TABLE flights"
    step.write_text(query.replace("SOURCE", source.format(*SIDES)))
    assert as_json("departures_hourly")[0] == 0


def test_a_python_function_where_sql_would_do_is_a_warning(derive: Path) -> None:
    job = derive / "jobs" / "departures_hourly.py"
    job.write_text(job.read_text().replace("writes=", 'functions={"shout": "udfs.loud.shout"}, writes='))
    (derive / "udfs").mkdir()
    (derive / "udfs" / "loud.py").write_text(
        "def shouted(text: str) -> str:\n    return text.upper()\n"
        "shout = udf(shouted, input_types=[TEXT], result_type=TEXT)\n"
    )
    step = derive / "sql" / "departures_hourly" / "hourly.sql"
    step.write_text("SELECT s.answer, s.reason FROM (SELECT shout(origin) AS s FROM flights)")
    code, results = as_json("departures_hourly")
    assert code == 0
    assert results[-1]["warnings"] == [
        "udfs.loud.shout: SQL can do this without Python, at a fraction of the cost: UPPER"
    ]
    assert "warning: udfs.loud.shout" in run("departures_hourly")[1].replace("\n", " ")
    step.write_text("SELECT shout(origin) AS s FROM flights")
    code, results = as_json("departures_hourly")
    assert code == 1, "the reason is never read"


def test_contracts_that_do_not_fit_the_job_are_errors(derive: Path) -> None:
    job = derive / "jobs" / "departures_hourly.py"
    job.write_text("JOB = Ingest(contract='departures_hourly')\n")
    (error,) = as_json("departures_hourly")[1][-1]["errors"]  # type: ignore[misc]
    assert error["what"].startswith("departures_hourly is the contract of a derived table")
    job.write_text("JOB = Derive(['departures_hourly'], ['hourly'], ['departures_hourly'])\n")
    (error,) = as_json("departures_hourly")[1][-1]["errors"]  # type: ignore[misc]
    assert error["what"] == "contract departures_hourly does not define how its event time advances"


def test_a_contract_that_is_listed_is_not_listed_again_with_its_job(folder: Path) -> None:
    spoil(folder, "version: 1.0.0", "version: one")
    assert [len(f["errors"]) for f in as_json()[1]] == [1, 0]  # type: ignore[arg-type]


@pytest.mark.parametrize("case", JOBS)
def test_jobs(case: str, folder: Path) -> None:
    source, line, sentence = JOBS[case]
    (folder / "jobs" / "flights.py").write_text(source)
    code, results = as_json()
    assert code == 1
    assert results[0]["ok"]
    errors = results[1]["errors"]
    assert isinstance(errors, list)
    assert (errors[0]["what"], errors[0]["where"]) == (sentence, f"jobs/flights.py:{line}")
    assert errors[0]["remedy"]
    with pytest.raises(HeadraceError) as refused:
        load_program("flights")
    assert refused.value.to_json() == errors[0], "every other command reports the same"


@pytest.mark.parametrize(
    "source",
    ['JOB: Ingest = Ingest("flights")\n', 'import headrace.job as hr\nJOB = hr.Ingest(contract="flights")\n'],
)
def test_equivalent_declarations_are_accepted(source: str, folder: Path) -> None:
    (folder / "jobs" / "flights.py").write_text(source)
    assert as_json()[0] == 0


def test_a_job_is_read_and_not_run(folder: Path) -> None:
    (folder / "jobs" / "flights.py").write_text(f"raise SystemExit(7)\n{JOB}")
    assert as_json()[0] == 0


def test_names_select_what_is_checked(folder: Path) -> None:
    (folder / "jobs" / "other.py").write_text("X = 1\n")
    assert as_json("flights")[0] == 0
    assert [f["name"] for f in as_json("other")[1]] == ["other"]
    with pytest.raises(UsageError, match="there is no contract or job 'fligths'"):
        run("fligths")


def test_a_file_whose_name_is_not_an_id_is_refused(folder: Path) -> None:
    (folder / "contracts" / "My Orders.odcs.yaml").write_text("id: My Orders\n")
    code, results = as_json()
    assert code == 1
    assert [f["name"] for f in results if not f["ok"]] == ["My Orders"]


def test_check_takes_little_longer_than_its_imports(folder: Path) -> None:
    """Processor time of fresh processes, the best of three: 0.7 s against 0.4 s on an idle machine."""

    def spent(code: str) -> float:
        before = os.times()
        subprocess.run(
            [sys.executable, "-c", code, "check"],
            check=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    libraries = "import typer, rich.table, pydantic, sqlglot, yaml, open_data_contract_standard.model"
    command = "from headrace.cli.main import main; main()"
    assert min(spent(command) for _ in range(3)) < 2.5 * min(spent(libraries) for _ in range(3))


def test_check_imports_neither_flink_nor_the_lake(folder: Path) -> None:
    code = (
        "import sys; from headrace.cli import check; "
        "print([m for m in ('pyflink', 'pyarrow', 'deltalake', 'kafka', 'obstore') if m in sys.modules])"
    )
    results = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert results.stdout == "[]\n"
