"""How far the record is sealed and verified, in words."""

from typing import Any, Final

from core.audit import checks, sealing
from core.database import Transaction
from plugin_sdk.views import Phrase, Words
from portal.pages.context import Portal

SHOWN_FAULTS: Final = 20


async def seal_state(portal: Portal, tx: Transaction) -> dict[str, Any]:
    """Return what the page says of the seal: `seal` (ok, sentence, waiting, warning, faults,
    more), `job` (a verification under way, or None), `verify` (where to begin one, or None)."""
    head = await sealing.head(tx)
    behind = await sealing.waiting(tx)
    last = await checks.latest(tx, ended=True)
    begun = await checks.latest(tx)
    error = await portal.services.jobs.last_error(tx, sealing.JOB)
    running = begun is not None and begun.running(tx.now)
    faults = last.faults if last else []
    seal = {
        "ok": None if last is None else not last.fault_count,
        "sentence": _sentence(head.size, last),
        "waiting": Phrase("page.admin.seal.waiting", {"n": behind.count}) if behind.count else None,
        "warning": _warning(behind, error, tx),
        "faults": [
            {"text": Phrase(f"audit.fault.{fault['what']}", fault["params"]), "id": fault["entry"]}
            for fault in faults[:SHOWN_FAULTS]
        ],
        "more": max(last.fault_count - SHOWN_FAULTS, 0) if last else 0,
    }
    job = None
    if running and begun is not None:
        job = {
            "label": Phrase("page.admin.seal.running"),
            "done": begun.done,
            "total": max(begun.total, begun.done, head.size, 1),
            "running": True,
            "href": "/admin/audit",
        }
    return {"seal": seal, "job": job, "verify": None if running else "/admin/audit/verify"}


def _sentence(size: int, last: checks.CheckFacts | None) -> Words:
    if last is None:
        return Phrase("page.admin.seal.never", {"n": size})
    params = {"n": last.sealed, "at": last.ended_at}
    if last.fault_count:
        return Phrase("page.admin.seal.found", {**params, "count": last.fault_count})
    if not last.sealed:
        return Phrase("page.admin.seal.nothing", {"at": last.ended_at})
    return Phrase("page.admin.seal.verified", params)


def _warning(behind: sealing.Waiting, error: str | None, tx: Transaction) -> Words | None:
    if error:
        return Phrase("page.admin.seal.stopped", {"error": error})
    if behind.oldest is not None and behind.lags(tx.now):
        minutes = int((tx.now - behind.oldest).total_seconds() // 60)
        return Phrase("page.admin.seal.lags", {"minutes": minutes})
    return None
