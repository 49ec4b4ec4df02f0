"""Owns what a guest may do: grants, limits, decisions, the audit record, the manifest's meaning."""

from __future__ import annotations

from wherever.policy.decision import Audit, Decision, printable
from wherever.policy.entries import Clock, Dir, Env, Listen, Net, Origin, Random
from wherever.policy.frozen import frozen, replace
from wherever.policy.grants import Grants
from wherever.policy.limits import Limits
from wherever.policy.malformed import Malformed

__all__ = [
    "Audit",
    "Clock",
    "Decision",
    "Dir",
    "Env",
    "Grants",
    "Limits",
    "Listen",
    "Malformed",
    "Net",
    "Origin",
    "Random",
    "frozen",
    "printable",
    "replace",
]
