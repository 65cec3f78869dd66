"""Every error that headrace raises on purpose, in one tree, so that a reader finds all of them here.

::

    HeadraceError                exit  meaning
    ├── UsageError                 2   the command or a setting is wrong
    │   └── NeverPublishedError        the requested table was never published
    ├── ContractError              1   a contract breaks a rule of its format (file, line)
    ├── JobError                   1   a job declaration or its lock does not hold
    ├── StackError                 1   a local process did not start, or a port is taken
    ├── ClusterError               1   Flink or Kafka refused, or did not answer
    │   └── NoTopicError               a contract's topic is not there
    ├── LedgerError                1   a record in the ledger contradicts the tables or another record
    │   └── OtherColumnsError          a staged file was written under another contract
    ├── ConservationError          1   a hole or an overlap of offsets: publishing would break G1
    ├── NotProvable                1   a table cannot be proved: its contract, or the evidence, is not enough
    ├── DecisionNeeded             3   nothing is wrong yet, an operator must decide (fork, loss, lock)
    └── Interrupted              130   Ctrl-C was pressed, and what was begun is undone

Bad *data* is never an exception: it is a row in quarantine.
"""

from __future__ import annotations

from typing import Any


class HeadraceError(Exception):
    """Root of the tree: what happened, where, and what to do.

    Args:
        what: one sentence of what happened.
        where: file and line, table, partition and offset: whatever an operator can look at.
        remedy: the next step, as a command if there is one.
        facts: the same facts for machines; must never hold a secret or a personal value.
    """

    code: str = "error"
    exit_code: int = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "", **facts: Any) -> None:
        self.what, self.where, self.remedy, self.facts = what, where, remedy, facts
        super().__init__(what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        todo = f"\n  → {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{todo}"

    def to_json(self) -> dict[str, Any]:
        """The error as one JSON object, for ``-o json``."""
        return {
            "error": self.code,
            "what": self.what,
            "where": self.where,
            "remedy": self.remedy,
            **({"facts": self.facts} if self.facts else {}),
        }


class UsageError(HeadraceError):
    """The command line, the environment or a settings file is wrong."""

    code = "usage"
    exit_code = 2


class NeverPublishedError(UsageError):
    """A table is not there yet. Which job writes ``table`` is for the caller to add, who knows the jobs."""

    def __init__(self, table: str, *, where: str) -> None:
        self.table = table
        super().__init__(
            f"table {table} was never published", where=where, remedy="publish the job that writes it"
        )


class ContractError(HeadraceError):
    """A contract file breaks the contract format; ``where`` is ``file:line``."""

    code = "contract"


class JobError(HeadraceError):
    """A job declaration is wrong, or its lock does not match what it would run."""

    code = "job"


class StackError(HeadraceError):
    """A process of the local stack did not start, died, or found its port taken."""

    code = "stack"


class ClusterError(HeadraceError):
    """Flink or Kafka refused a request or did not answer in time."""

    code = "cluster"


class NoTopicError(ClusterError):
    """Kafka does not know the topic. Which contract is about it is for the caller to add, who knows them."""

    def __init__(self, topic: str, *, where: str) -> None:
        self.topic = topic
        super().__init__(
            "there is no such topic", where=where, remedy="create it, or correct the contract that names it"
        )


class LedgerError(HeadraceError):
    """A ledger record contradicts a table or another record; nothing was changed."""

    code = "ledger"


class OtherColumnsError(LedgerError):
    """A staged file was written under another contract."""


class ConservationError(HeadraceError):
    """Publishing would leave an offset without a home, or give it two; nothing was published."""

    code = "conservation"


class NotProvable(HeadraceError):  # noqa: N818 - the table may be right: a result, not a fault
    """A table cannot be proved: its contract says too little, or the evidence is gone or not there yet."""

    code = "not_provable"


class DecisionNeeded(HeadraceError):  # noqa: N818 - a question to an operator, not a fault
    """An operator must decide before headrace goes on; the remedy lists the commands that decide."""

    code = "decision"
    exit_code = 3


class Interrupted(HeadraceError):  # noqa: N818 - it was requested
    """Ctrl-C was pressed; the message reports what became of what was begun."""

    code = "interrupted"
    exit_code = 130
    """What shells give a process that SIGINT has ended."""
