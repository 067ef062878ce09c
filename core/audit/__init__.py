"""The record of who did what, in the transaction of the act."""

from core.audit.service import AuditFacts, entry, record, search

__all__ = ["AuditFacts", "entry", "record", "search"]
