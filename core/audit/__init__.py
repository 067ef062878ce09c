"""The record of who did what, in the transaction of the act."""

from core.audit.service import SHELL, AuditFacts, entry, record, search

__all__ = ["SHELL", "AuditFacts", "entry", "record", "search"]
