"""The Python API: what the commands do, as functions. An orchestrator imports these names.

A :class:`Workspace` opens the settings, the warehouse and the cluster of one environment; it is the first
argument of each function. Those of the local stack take its settings alone; those that only read or write a
project's files take neither. Results are frozen values with ``to_json()``, the document that ``-o json``
prints. Long steps report to a callback (:class:`headrace.progress.Progress`). Nothing is printed, and every
refusal is a :class:`headrace.errors.HeadraceError` with a remedy::

    from headrace import settings
    from headrace.operate import Workspace, publish_replay, run_replay

    workspace = Workspace(settings.load())
    run_replay(workspace, "flights", 1, follow_s=1800)
    print(publish_replay(workspace, "flights", 1).to_json())

A name is imported when it is first used: a command must not wait for modules that it does not need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.operate.accept import LossDecision, TailDecision, accept_loss, accept_tail
    from headrace.operate.anchors import (
        AnchorHealth,
        ExpiredAnchors,
        adopt_anchor,
        check_anchor,
        describe_anchor,
        expire_anchors,
        list_anchors,
        take_anchor,
    )
    from headrace.operate.backfill import backfill_files
    from headrace.operate.branches import (
        BranchDecision,
        BranchReport,
        RestartDecision,
        adopt_branch,
        describe_branch,
        list_branches,
        restart_branch,
        set_aside_branch,
    )
    from headrace.operate.check import CheckedFile, check_project
    from headrace.operate.diff import BatchDiff, diff_batches
    from headrace.operate.parts.patch_report import ListedPatch, PatchReport
    from headrace.operate.patch import (
        PatchDiff,
        abort_patch,
        apply_patch,
        describe_patch,
        diff_patch,
        judge_patch,
        list_patches,
        roll_back_patch,
    )
    from headrace.operate.plan import JobPlan, accept_plan, plan_job
    from headrace.operate.project import CreatedPipeline, CreatedProject, create_pipeline, create_project
    from headrace.operate.publish import Publication, publish_staged, publish_until, publish_whole_topic
    from headrace.operate.quarantine import (
        DiscardDecision,
        count_quarantined,
        discard_quarantined,
        read_quarantined,
        redrive_quarantined,
        undo_discard,
    )
    from headrace.operate.query import QueryResult, query_tables
    from headrace.operate.replay_plan import (
        ListedReplay,
        Place,
        ReplayDiff,
        ReplayReport,
        describe_replay,
        diff_replay,
        list_replays,
        plan_bounded_replay,
        plan_replay,
    )
    from headrace.operate.replay_run import ReplayRun, run_replay
    from headrace.operate.replay_swap import (
        AbortedReplay,
        RolledBackReplay,
        SwappedReplay,
        abort_replay,
        publish_replay,
        roll_back_replay,
    )
    from headrace.operate.stack import (
        LockedJars,
        ProcessLog,
        StackEnvironment,
        StartedStack,
        StoppedStack,
        lock_jars,
        read_log,
        read_stack,
        stack_environment,
        start_stack,
        stop_stack,
    )
    from headrace.operate.start import Started, await_job, start_job
    from headrace.operate.status import EventTime, FlinkJobStatus, Status, read_status
    from headrace.operate.stop import Stopped, stop_job
    from headrace.operate.topic import (
        CreatedTopic,
        ProducedLines,
        create_topic,
        describe_topic,
        produce_file,
    )
    from headrace.operate.verify import DerivedProof, TopicProof, verify_table
    from headrace.operate.workspace import Workspace
    from headrace.read.quarantine import Selection
else:
    _NAMES = {
        "accept": "LossDecision TailDecision accept_loss accept_tail",
        "anchors": "AnchorHealth ExpiredAnchors adopt_anchor check_anchor describe_anchor"
        " expire_anchors list_anchors take_anchor",
        "backfill": "backfill_files",
        "branches": "BranchDecision BranchReport RestartDecision adopt_branch describe_branch"
        " list_branches restart_branch set_aside_branch",
        "check": "CheckedFile check_project",
        "diff": "BatchDiff diff_batches",
        "patch": "PatchDiff apply_patch describe_patch diff_patch abort_patch judge_patch"
        " list_patches roll_back_patch",
        "parts.patch_report": "ListedPatch PatchReport",
        "plan": "JobPlan accept_plan plan_job",
        "project": "CreatedPipeline CreatedProject create_pipeline create_project",
        "publish": "Publication publish_staged publish_until publish_whole_topic",
        "quarantine": "DiscardDecision Selection count_quarantined discard_quarantined"
        " read_quarantined redrive_quarantined undo_discard",
        "query": "QueryResult query_tables",
        "replay_plan": "ListedReplay Place ReplayDiff ReplayReport describe_replay diff_replay"
        " list_replays plan_bounded_replay plan_replay",
        "replay_run": "ReplayRun run_replay",
        "replay_swap": "AbortedReplay RolledBackReplay SwappedReplay abort_replay publish_replay"
        " roll_back_replay",
        "stack": "LockedJars ProcessLog StackEnvironment StartedStack StoppedStack lock_jars"
        " read_log read_stack stack_environment start_stack stop_stack",
        "start": "Started await_job start_job",
        "status": "EventTime FlinkJobStatus Status read_status",
        "stop": "Stopped stop_job",
        "topic": "CreatedTopic ProducedLines create_topic describe_topic produce_file",
        "verify": "DerivedProof TopicProof verify_table",
        "workspace": "Workspace",
    }
    _MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


__all__ = [
    "AbortedReplay",
    "AnchorHealth",
    "BatchDiff",
    "BranchDecision",
    "BranchReport",
    "CheckedFile",
    "CreatedPipeline",
    "CreatedProject",
    "CreatedTopic",
    "DerivedProof",
    "DiscardDecision",
    "EventTime",
    "ExpiredAnchors",
    "FlinkJobStatus",
    "JobPlan",
    "ListedPatch",
    "ListedReplay",
    "LockedJars",
    "LossDecision",
    "PatchDiff",
    "PatchReport",
    "Place",
    "ProcessLog",
    "ProducedLines",
    "Publication",
    "QueryResult",
    "ReplayDiff",
    "ReplayReport",
    "ReplayRun",
    "RestartDecision",
    "RolledBackReplay",
    "Selection",
    "StackEnvironment",
    "Started",
    "StartedStack",
    "Status",
    "Stopped",
    "StoppedStack",
    "SwappedReplay",
    "TailDecision",
    "TopicProof",
    "Workspace",
    "abort_patch",
    "abort_replay",
    "accept_loss",
    "accept_plan",
    "accept_tail",
    "adopt_anchor",
    "adopt_branch",
    "apply_patch",
    "await_job",
    "backfill_files",
    "check_anchor",
    "check_project",
    "count_quarantined",
    "create_pipeline",
    "create_project",
    "create_topic",
    "describe_anchor",
    "describe_branch",
    "describe_patch",
    "describe_replay",
    "describe_topic",
    "diff_batches",
    "diff_patch",
    "diff_replay",
    "discard_quarantined",
    "expire_anchors",
    "judge_patch",
    "list_anchors",
    "list_branches",
    "list_patches",
    "list_replays",
    "lock_jars",
    "plan_bounded_replay",
    "plan_job",
    "plan_replay",
    "produce_file",
    "publish_replay",
    "publish_staged",
    "publish_until",
    "publish_whole_topic",
    "query_tables",
    "read_log",
    "read_quarantined",
    "read_stack",
    "read_status",
    "redrive_quarantined",
    "restart_branch",
    "roll_back_patch",
    "roll_back_replay",
    "run_replay",
    "set_aside_branch",
    "stack_environment",
    "start_job",
    "start_stack",
    "stop_job",
    "stop_stack",
    "take_anchor",
    "undo_discard",
    "verify_table",
]
