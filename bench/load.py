"""The load: a process of its own with connections kept alive, one request at a time on each.

    python -m bench.load

reads one line of JSON for each run (see `Run`) and answers one line (see `Measured`). It
reads the CPU clock of the measured process at the very moments the run begins and ends.
"""

import asyncio
import re
import sys
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import uvloop

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
END = b"\r\n\r\n"


class Run(msgspec.Struct):
    """One run: where, what (in turn), on how many connections, for how long."""

    port: int
    pid: int
    paths: list[str]
    cookie: str
    connections: int
    seconds: float
    accept: str = "application/json"


class Measured(msgspec.Struct):
    """What came of a run. Times are seconds, of CPU those of the measured process."""

    requests: int
    failed: int
    seconds: float
    cpu: float
    p50: float
    p95: float
    p99: float
    size: int

    @property
    def throughput(self) -> float:
        """Return requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_each(self) -> float:
        """Return µs of CPU of the server for each request."""
        return self.cpu / max(self.requests, 1) * 1e6


def cpu_of(pid: int) -> float:
    """Return the CPU time of a process and its threads, in seconds."""
    return time.clock_gettime((~pid << 3) | 2)  # the clock that clock_getcpuclockid names


class _Counts:
    def __init__(self) -> None:
        self.requests = self.failed = self.size = 0
        self.stop = False
        self.taken: list[float] = []


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], first: int, counts: _Counts) -> None:
        self._requests = requests
        self._next = first
        self._counts = counts
        self._buffer = b""
        self._began = 0.0
        self.done = asyncio.get_running_loop().create_future()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def ask(self) -> None:
        """Send the next request."""
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        self._began = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        head = buffer.find(END)
        if head < 0:
            return
        found = LENGTH.search(buffer, 0, head)
        size = head + 4 + (int(found[1]) if found else 0)
        if len(buffer) < size:
            return
        counts = self._counts
        self._buffer = b""
        counts.requests += 1
        counts.size = size
        if buffer[9:12] != b"200":
            counts.failed += 1
        counts.taken.append(time.perf_counter() - self._began)
        if counts.stop:
            self._transport.close()
        else:
            self.ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._counts.stop:
            self._counts.failed += 1
        if not self.done.done():
            self.done.set_result(None)


async def measure(run: Run) -> Measured:
    """Return what came of a run."""
    requests = [
        (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{run.port}\r\n"
            f"Accept: {run.accept}\r\nAccept-Encoding: gzip\r\nUser-Agent: yimen-bench\r\n"
            f"Cookie: yimen={run.cookie}\r\n\r\n"
        ).encode()
        for path in run.paths
    ]
    counts = _Counts()
    loop = asyncio.get_running_loop()
    connections = []
    for first in range(run.connections):
        _, connection = await loop.create_connection(
            lambda first=first: _Connection(requests, first, counts),  # type: ignore[misc]  # a default binds the loop's
            "127.0.0.1",
            run.port,
        )
        connections.append(connection)
    cpu, began = cpu_of(run.pid), time.perf_counter()
    for connection in connections:
        connection.ask()
    await asyncio.sleep(run.seconds)
    done = counts.requests
    seconds, cpu = time.perf_counter() - began, cpu_of(run.pid) - cpu
    counts.stop = True
    await asyncio.wait([connection.done for connection in connections], timeout=10)
    taken = sorted(counts.taken) or [0.0]
    return Measured(
        requests=done,
        failed=counts.failed,
        seconds=seconds,
        cpu=cpu,
        p50=taken[len(taken) // 2],
        p95=taken[min(len(taken) - 1, len(taken) * 95 // 100)],
        p99=taken[min(len(taken) - 1, len(taken) * 99 // 100)],
        size=counts.size,
    )


def main() -> None:
    """Measure what is asked for until nothing more is."""
    for line in sys.stdin.buffer:
        run = msgspec.json.decode(line, type=Run)
        measured = uvloop.run(measure(run))
        sys.stdout.buffer.write(msgspec.json.encode(measured) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
