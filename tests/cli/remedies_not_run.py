"""Remedies that no test runs in the state that produced them; each is only parsed, with the reason."""

from __future__ import annotations

REASONS = {
    "the next steps of a new project: tests/package types its whole README": """
        cli/init.py: check
        cli/init.py: plan □ --accept
        operate/project.py: new PIPELINE
    """,
    "a condition, of a topic that only a real broker holds: tests/stack verifies both tables": """
        cli/pages/derived_proof.py: verify □
    """,
    "a chain that no start of a job makes: tests/ledger/test_branch.py writes its manifests": """
        ledger/manifest_range.py: replay abort □ □ --why TEXT
    """,
    "a moment that no command can choose: tests/publish make it, in test_patch.py and test_replace.py": """
        publish/patch.py: patch rollback □ □ --why TEXT
        publish/replace.py: replay rollback □ □ --why TEXT
    """,
    "a savepoint that Flink made: tests/stack starts jobs from savepoints that are given by hand": """
        job/start/begin.py: run □ --savepoint PATH□
        job/start/options.py: run □ --savepoint PATH
        operate/branches.py: run □ --savepoint PATH
    """,
}
NOT_RUN = {line.strip(): reason for reason, lines in REASONS.items() for line in lines.strip().splitlines()}
"""Remedy → why it is only parsed."""
