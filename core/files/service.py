"""Keeping files on disk by their content, and links that open for one session alone, as it
acted when the page was shown, or for visitors; for a quarter of an hour or two."""

import asyncio
import hashlib
import hmac
import os
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from core.database import Transaction
from core.files.models import FileRow
from plugin_sdk.data import lock_key, new_id
from plugin_sdk.files import Picture, StoredFile
from plugin_sdk.ports import Actor

TERM = timedelta(minutes=15)
_CONTENTS = lock_key("yimen.files")


class FileStore:
    """Content under `home/files`, named by its digest: written once, never changed."""

    def __init__(self, home: Path, secret: bytes) -> None:
        self._folder = home / "files"
        self._secret = secret

    def _path(self, sha256: str) -> Path:
        return content_of(self._folder, sha256)

    def _write(self, sha256: str, data: bytes) -> None:
        path = self._path(sha256)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)

    async def put(self, tx: Transaction, app: str, subject: str, picture: Picture) -> StoredFile:
        """Keep a picture; the content is on disk before its row is committed."""
        await hold_contents(tx)
        await asyncio.to_thread(self._write, picture.sha256, picture.data)
        row = FileRow(
            id=new_id(),
            app=app,
            subject=subject,
            name=picture.name,
            media_type=picture.media_type,
            size=len(picture.data),
            width=picture.width,
            height=picture.height,
            sha256=picture.sha256,
            created_at=tx.now,
        )
        tx.session.add(row)
        await tx.session.flush()
        return StoredFile(row.id, row.name, row.media_type, row.size, row.width, row.height)

    async def content(self, tx: Transaction, app: str, file_id: UUID) -> bytes | None:
        """Return what a file of an app holds, None where it has none such."""
        statement = select(col(FileRow.sha256)).where(
            col(FileRow.id) == file_id, col(FileRow.app) == app
        )
        sha256 = (await tx.session.execute(statement)).scalar_one_or_none()
        if sha256 is None:
            return None
        try:
            return await asyncio.to_thread(self._path(sha256).read_bytes)
        except FileNotFoundError:
            return None

    def token(self, file_id: UUID, actor: Actor, now: datetime) -> str:
        """Return what opens a file until the next term is over: who sees the page sees the
        picture, in the same session and seat. A visitor's opens it for any visitor.

        What the page was shown by may be withdrawn, so nobody's outlasts it by more.
        """
        held = actor.bearer.digest if actor.bearer else actor.session_id
        holder = f"{held}:{actor.seat}" if held else "visitor"
        message = f"{file_id}:{holder}:{_term(now)}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:32]

    async def open(
        self, tx: Transaction, file_id: UUID, token: str, actor: Actor
    ) -> tuple[StoredFile, bytes] | None:
        """Return a file and its content if the token is this actor's and has not run out."""
        good = [self.token(file_id, actor, moment).encode() for moment in (tx.now, tx.now - TERM)]
        if not any(hmac.compare_digest(token.encode(), each) for each in good):
            return None
        found = (
            await tx.session.execute(
                select(
                    col(FileRow.id),
                    col(FileRow.name),
                    col(FileRow.media_type),
                    col(FileRow.size),
                    col(FileRow.width),
                    col(FileRow.height),
                    col(FileRow.sha256),
                ).where(col(FileRow.id) == file_id)
            )
        ).first()
        if found is None:
            return None
        try:
            data = await asyncio.to_thread(self._path(found[6]).read_bytes)
        except FileNotFoundError:
            return None
        return StoredFile(*found[:6]), data


def content_of(folder: Path, sha256: str) -> Path:
    """Return where a content stands in a folder of contents."""
    return folder / sha256[:2] / sha256[2:]


async def hold_contents(tx: Transaction) -> None:
    """Let no content be discarded before the transaction that writes has ended: a file of another
    app may have it by then. On SQLite nobody else writes meanwhile anyway."""
    if not tx.database.sqlite:
        await tx.session.execute(select(func.pg_advisory_xact_lock_shared(_CONTENTS)))


async def discard(tx: Transaction, home: Path, contents: Sequence[str]) -> int:
    """Remove from the disk those of the contents that no file has, at once; return how many."""
    if not tx.database.sqlite:
        await tx.session.execute(select(func.pg_advisory_xact_lock(_CONTENTS)))
    found = await tx.session.execute(
        select(col(FileRow.sha256)).where(col(FileRow.sha256).in_(contents)).distinct()
    )
    used = set(found.scalars())
    removed = 0
    for content in contents:
        path = content_of(home / "files", content)
        if content not in used and path.exists():
            await asyncio.to_thread(path.unlink, missing_ok=True)
            removed += 1
    return removed


def _term(moment: datetime) -> int:
    return int(moment.timestamp() // TERM.total_seconds())


async def files_of(tx: Transaction, app: str, subject: str) -> list[StoredFile]:
    """Return the files of a subject, oldest first."""
    found = await tx.session.execute(
        select(
            col(FileRow.id),
            col(FileRow.name),
            col(FileRow.media_type),
            col(FileRow.size),
            col(FileRow.width),
            col(FileRow.height),
        )
        .where(col(FileRow.app) == app, col(FileRow.subject) == subject)
        .order_by(col(FileRow.created_at), col(FileRow.id))
    )
    return [StoredFile(*row) for row in found]


def plain_name(name: str) -> str:
    """Return the name of a file without what could be read as more than a name."""
    kept = "".join(c for c in name if c.isprintable() and c not in "<>\"'/\\")
    return kept.strip()[:100] or "photo"
