"""The record of who did what, in the transaction of the act."""

from core.audit.service import AuditFacts, Extent, extent, record, search

__all__ = ["AuditFacts", "Extent", "extent", "record", "search"]
