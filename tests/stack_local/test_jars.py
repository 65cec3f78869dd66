import hashlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from headrace.errors import StackError, UsageError
from headrace.settings import LocalStack
from headrace.stack import jars, machinery
from headrace.stack.jars import Jar

ROOT = Path(__file__).parents[2]
GOOD, BAD = b"the jar", b"something else"
COORDINATE = "org.example:thing:1.2"
LINE = f"{hashlib.sha256(GOOD).hexdigest()}  {COORDINATE}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A checkout with one locked jar, and a registry that answers with what ``serves`` holds, in turn."""
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "one.lock").write_text(LINE)
    monkeypatch.setattr(machinery, "CHECKOUT", tmp_path)
    serves: list[bytes] = []
    asked: list[str] = []

    def maven(cache: Path, address: str) -> SimpleNamespace:
        def resolve() -> Path:
            asked.append(address)
            (cache / "thing.jar").write_bytes(serves.pop(0))
            return cache / "thing.jar"

        return SimpleNamespace(
            create_dependency=lambda _: SimpleNamespace(artifact=SimpleNamespace(resolve=resolve))
        )

    monkeypatch.setattr(jars, "_maven", maven)
    settings = LocalStack(jars_cache=str(tmp_path / "cache"), jars_repository="somewhere")
    return SimpleNamespace(serves=serves, asked=asked, fetch=lambda: jars.fetch(settings, ["one"])["one"])


def test_a_jar_is_fetched_once_from_the_address_of_the_setting(repository: SimpleNamespace) -> None:
    repository.serves[:] = [GOOD]

    first, second = repository.fetch(), repository.fetch()

    assert first == second
    assert first[0].read_bytes() == GOOD
    assert repository.asked == ["somewhere"]


def test_a_spoiled_file_in_the_cache_is_replaced(repository: SimpleNamespace) -> None:
    repository.serves[:] = [GOOD, GOOD]
    [path] = repository.fetch()
    path.write_bytes(BAD)

    repository.fetch()

    assert path.read_bytes() == GOOD


def test_a_wrong_answer_is_requested_again_once(repository: SimpleNamespace) -> None:
    repository.serves[:] = [BAD, GOOD]

    assert repository.fetch()[0].read_bytes() == GOOD


def test_two_wrong_answers_are_an_error_and_leave_nothing(
    repository: SimpleNamespace, tmp_path: Path
) -> None:
    repository.serves[:] = [BAD, BAD]

    with pytest.raises(StackError) as e:
        repository.fetch()

    assert e.value.where == COORDINATE
    assert e.value.facts["checksum"] == hashlib.sha256(BAD).hexdigest()
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_a_broken_line_of_a_lock_is_named(repository: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "jars" / "one.lock").write_text(LINE + "what is this\n")

    with pytest.raises(UsageError) as e:
        repository.fetch()

    assert e.value.where.endswith("one.lock:2")


@pytest.mark.parametrize("use", jars.USES)
def test_the_lock_holds_what_was_asked_for(use: str) -> None:
    asked = yaml.safe_load((ROOT / "jars" / f"{use}.yaml").read_text())["coordinates"]
    found = jars.read_lock(use)

    assert set(asked) <= {jar.coordinate for jar in found}
    assert found == sorted(set(found))
    assert len({jar.path for jar in found}) == len(found)


def test_the_broker_meets_its_own_client_library() -> None:
    """Once, the dependency management of a logging library pinned a client two majors older."""
    versions = {
        j.coordinate.split(":")[2] for j in jars.read_lock("kafka") if "org.apache.kafka:" in j.coordinate
    }

    assert len(versions) == 1


def test_no_lock_holds_an_address() -> None:
    for path in (ROOT / "jars").iterdir():
        assert not re.search(r"https?:|www\.", path.read_text()), path


def test_the_path_in_the_cache_holds_the_version() -> None:
    assert Jar("g.h:a:1", "").path == Path("g.h/a-1.jar")
