"""A remedy that is a command is one that can be typed, and helps in the state that produced it."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from headrace import settings
from headrace.cli.main import main
from headrace.errors import HeadraceError, UsageError
from headrace.stack import jvm, machinery
from tests.cli.mentioned_commands import Mention, mentioned_commands
from tests.cli.typed import as_printed, in_source

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("named", mentioned_commands(), ids=str)
def test_a_command_that_a_message_names_can_be_typed(named: Mention) -> None:
    assert in_source(named.words) == ""


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("publsh flights", "there is no command publsh"),
        ("replay abandon flights 1", "there is no command replay abandon"),
        ("branch ls", "branch ls needs JOB"),
        ("run flights --detach", "run has no option --detach"),
        ("branch set-aside flights 1", "branch set-aside needs --why"),
        ("replay plan flights --why TEXT", "replay plan needs one of --from, --from-offsets, --from-time"),
        ("branch set-aside flights 1 --why", "--why has no value"),
        ("anchor flights takes one", ""),
    ],
)
def test_a_command_that_cannot_be_typed_is_noticed(words: str, problem: str) -> None:
    assert in_source(tuple(words.split())) == problem


def test_a_printed_command_names_a_job_that_exists() -> None:
    assert as_printed("→ headrace publish flights; headrace run departures_hourly, then again") == []
    assert as_printed("→ headrace publish weather") == ["publish weather: there is no job weather"]


def _error_output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    structlog.reset_defaults()  # else later tests would log into this one's captured streams
    assert exited.value.code == UsageError.exit_code
    output = capsys.readouterr().err
    assert as_printed(output) == []
    return output


@pytest.mark.parametrize(
    ("table", "remedy"),
    [
        ("flights__quarantine", "headrace run flights, if it is not running; then headrace publish flights"),
        ("flights_retries", "then headrace publish flights_deduplicated"),
        (
            "weather",
            "no job here writes it: declare one in jobs/weather.py, JOB = Ingest(contract='weather')",
        ),
    ],
)
def test_a_table_that_was_never_published_names_the_job_that_writes_it(
    table: str,
    remedy: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HEADRACE__STORE__WAREHOUSE", f"file://{tmp_path}/lake")
    for key in ("ACCESS_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"HEADRACE__STORE__{key}", "env:HOME")

    message = _error_output(capsys, "query", f"TABLE {table}")

    assert f"table {table} was never published" in message
    assert remedy in message


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without settings and without jars."""
    (tmp_path / "contracts").mkdir()
    monkeypatch.setenv("HEADRACE_PROJECT", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("empty")
def test_settings_that_are_missing_are_written_as_the_remedy_says() -> None:
    with pytest.raises(UsageError, match="no settings for environment 'local'") as refused:
        settings.load()
    remedy, place = refused.value.remedy, Path(refused.value.where)
    assert remedy == "write that file; for the local stack it is one line: stack: {}"

    place.parent.mkdir(parents=True)
    place.write_text(remedy.rpartition("one line: ")[2])

    assert settings.load().store.endpoint == "http://127.0.0.1:8333"
    with pytest.raises(UsageError, match="no settings for environment 'prod'") as refused:
        settings.load("prod")
    assert refused.value.remedy.startswith("set HEADRACE_ENV to one of local; or write that file")


def test_an_installed_headrace_reports_that_its_jars_are_fixed(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty / "machinery").mkdir()
    monkeypatch.setattr(machinery, "PACKAGED", empty / "machinery")
    (empty / "deploy" / "env").mkdir(parents=True)
    (empty / "deploy" / "env" / "local.yaml").write_text(settings.LOCAL)

    assert "an installation has the jars of its release" in _error_output(capsys, "stack", "lock")
    with pytest.raises(HeadraceError, match="lacks the JVM module"):
        machinery.packaged_jar()


def test_a_checkout_without_the_jvm_module_is_refused(empty: Path) -> None:
    with pytest.raises(HeadraceError, match="the JVM module's sources are missing"):
        jvm._build(empty / "jvm" / "src" / "main", [], empty / "build", "headrace-jvm")
    assert not (empty / "build").exists()
