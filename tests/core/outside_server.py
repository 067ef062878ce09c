"""A server of somebody else: it answers by path, well or badly."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Handler = Callable[[str, asyncio.StreamWriter], Awaitable[None]]

BOMB = gzip.compress(b"\0" * 5_000_000, 1)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def ill_mannered(path: str, writer: asyncio.StreamWriter) -> None:
    match path:
        case "/well":
            writer.write(answer(b'{"fine": true}'))
        case "/no-json":
            writer.write(answer(b"[" * 100_000))
        case "/moved":
            writer.write(answer(b"", "302 Found", "Location: http://127.0.0.1:1/"))
        case "/large":
            writer.write(answer(b"x" * 3_000_000))
        case "/endless":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                await writer.drain()
        case "/bomb":
            writer.write(answer(BOMB, "200 OK", "Content-Encoding: gzip"))
        case "/headers":
            writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 3_000_000)
        case "/trickle":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
        case "/hangs":
            await asyncio.sleep(60)
        case "/nonsense":
            writer.write(b"\x00\x01\x02 who are you?\r\n\r\n")
        case "/breaks-off":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    with suppress(ConnectionError):
        await writer.drain()


@asynccontextmanager
async def serving(
    handler: Handler = ill_mannered, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve on loopback; the port."""
    running: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                head = await reader.readuntil(b"\r\n\r\n")
                await handler(head.split()[1].decode(), writer)
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in running:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(t for t in running if t), return_exceptions=True)
