"""Calls to addresses that somebody typed: bounded, whoever answers."""

import asyncio
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core import outside
from core.outside import MOST_AT_ONCE, Outside, OutsideError
from core.settings import OWN_MACHINE, Settings, SettingsError
from tests.core.outside_server import serving


async def refused(client: Outside, address: str) -> str:
    with pytest.raises(OutsideError) as error:
        (await client.get(address)).json()
    return error.value.code


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(outside, "SECONDS", 0.4)


async def test_an_answer_is_bounded_in_time_and_size_and_followed_nowhere(quick):
    client = Outside(OWN_MACHINE)
    async with serving() as port:
        base = f"http://localhost:{port}"
        assert (await client.get(f"{base}/well")).json() == {"fine": True}
        expected = {
            "/no-json": "malformed",
            "/moved": "moved",
            "/large": "too-large",
            "/endless": "too-large",
            "/bomb": "packed",
            "/headers": "malformed",
            "/trickle": "slow",
            "/hangs": "slow",
            "/nonsense": "malformed",
            "/breaks-off": "malformed",
        }
        begun = time.monotonic()
        assert {path: await refused(client, base + path) for path in expected} == expected
        assert time.monotonic() - begun < 5
        hanging = [asyncio.create_task(refused(client, f"{base}/hangs")) for _ in range(8)]
        await asyncio.sleep(0.05)
        assert len(hanging) == MOST_AT_ONCE
        assert await refused(client, f"{base}/well") == "busy"
        assert set(await asyncio.gather(*hanging)) == {"slow"}
        assert (await client.get(f"{base}/well")).status == 200
    assert await refused(client, f"{base}/well") == "unreachable"
    client.close()


@pytest.mark.parametrize(
    "address",
    [
        "ftp://a.example/",
        "file:///etc/passwd",
        "https://",
        "//a.example",
        "https://user:word@a.example/",
        "https://a.example/#part",
        "https://a.example:99999/",
        "https://a.example/\r\nX: y",
        "https://例.example/",
        "https://a.example/" + "x" * 2000,
    ],
)
async def test_what_is_no_address_is_not_called(address):
    async def resolve(host, port):
        raise AssertionError("it was looked up")

    assert await refused(Outside(resolve=resolve), address) == "address"


@pytest.mark.parametrize(
    "ip",
    [
        *("127.0.0.1", "10.0.0.7", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("::1", "fe80::1%eth0", "fd00::1", "224.0.0.1", "::ffff:10.0.0.7"),
        *("2002:a00:7::1", "64:ff9b::a00:7", "fec0::1", "64:ff9b:1::7f00:1"),
        *("::7f00:1", "::ffff:0:7f00:1", "240.0.0.1"),
    ],
)
async def test_a_network_of_the_countys_own_is_closed_unless_it_is_named(ip):
    async def resolve(host, port):
        return ["93.184.216.34", ip]  # a public one beside it opens nothing

    client = Outside(resolve=resolve)
    assert await refused(client, "https://idp.example/") == "private"
    assert await client.is_private("https://idp.example/")
    await Outside(["0.0.0.0/0", "::/0"], resolve=resolve).try_address("https://idp.example/")


async def test_a_call_goes_to_the_address_that_was_looked_at():
    asked = []

    async def rebinding(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    client = Outside(["127.0.0.1/32"], resolve=rebinding)
    async with serving() as port:
        # the name does not exist: only what was looked at leads there, and it is looked at once
        assert (await client.get(f"http://idp.example:{port}/well")).status == 200
        assert asked == ["idp.example"]
        assert await refused(client, f"http://idp.example:{port}/well") == "private"


async def test_without_tls_only_this_machine_is_called_and_a_stranger_vouches_for_nobody(tmp_path):
    async def resolve(host, port):
        return ["10.20.0.5"]

    assert await refused(Outside(["10.20.0.0/16"], resolve=resolve), "http://idp.example/") == (
        "plain"
    )
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    own = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "own.pem"
    pem.write_bytes(
        own.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    async with serving(tls=tls) as port:
        code = await refused(Outside(OWN_MACHINE), f"https://localhost:{port}/well")
    assert code == "certificate"


async def test_a_name_server_that_hangs_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(outside, "CONNECT_SECONDS", 0.1)

    async def hangs(host, port):
        await asyncio.sleep(60)
        raise AssertionError

    assert await refused(Outside(resolve=hangs), "https://idp.example/") == "slow"

    async def nobody(host, port):
        return []

    assert await refused(Outside(resolve=nobody), "https://idp.example/") == "unknown-host"


async def test_a_dead_name_server_holds_one_thread_and_no_other_host(monkeypatch):
    monkeypatch.setattr(outside, "CONNECT_SECONDS", 0.2)
    over, asked = threading.Event(), []

    def look_up(host, port, **more):
        asked.append(host)
        if host == "dead.example":
            over.wait(20)
        return [(0, 0, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr("core.outside.socket.getaddrinfo", look_up)
    client = Outside(OWN_MACHINE)
    try:
        for _ in range(2):
            calls = [client.try_address("https://dead.example/") for _ in range(6)]
            slow = await asyncio.gather(*calls, return_exceptions=True)
            assert {getattr(error, "code", None) for error in slow} == {"slow"}
        await client.try_address("https://well.example/")
        assert asked == ["dead.example", "well.example"]
    finally:
        over.set()
    for _ in range(100):  # once it answers, it is asked anew
        if not client._looking:
            break
        await asyncio.sleep(0.02)
    await client.try_address("https://dead.example/")
    client.close()


def test_networks_are_read_from_the_environment(tmp_path):
    def read(mode, **env):
        env = {"YIMEN_HOME": str(tmp_path), **env}
        return Settings.from_environment(mode=mode, environ=env).outside_networks

    assert read("production") == ()
    assert read("demonstration") == OWN_MACHINE
    named = read("production", YIMEN_OUTSIDE_NETWORKS="10.20.0.0/16, fd00::/8")
    assert named == ("10.20.0.0/16", "fd00::/8")
    with pytest.raises(SettingsError, match="OUTSIDE_NETWORKS"):
        read("production", YIMEN_OUTSIDE_NETWORKS="10.20.0.1/16")
