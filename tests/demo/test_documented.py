"""The documented table of broken records is the real one."""

from pathlib import Path

from demo.broken import kind_table


def test_the_page_shows_what_the_demo_sends() -> None:
    page = (Path(__file__).parents[2] / "docs" / "broken-records.md").read_text()
    assert page.endswith(kind_table() + "\n"), (
        "run: python -m demo.broken, and put it into docs/broken-records.md"
    )
