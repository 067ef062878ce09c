"""What is sent as a file."""

from typing import Final

from litestar import Response

from plugin_sdk import documents

CSV: Final = "text/csv"
PDF: Final = "application/pdf"
XLSX: Final = documents.XLSX


def file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    """Return a file to keep, for this reader alone."""
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
