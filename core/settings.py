"""Configuration, from the environment alone. `Settings.from_environment()` reads it once."""

import contextlib
import os
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OWN_MACHINE = ("127.0.0.0/8", "::1/128")
LEAST_AUDIT_DAYS = 180


class SettingsError(Exception):
    """A setting that cannot be used; the message names it and says what to set."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a hub is started with. Durations are seconds, sizes bytes."""

    home: Path
    database_url: str
    redis_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"
    workers: int = 1
    mode: Literal["demonstration", "production"] = "production"
    county: str = "一门县"
    root_organization: str | None = None
    secret: bytes = b""
    trusted_proxies: tuple[str, ...] = ()
    session_seconds: int = 12 * 3600
    lease_seconds: float = 2.0
    poll_seconds: float = 1.0
    watchdog_seconds: float = 5.0
    import_seconds: float = 30.0
    search_seconds: float = 2.0
    max_body: int = 16 * 1024 * 1024
    grants: Path = Path("manifests")
    audit_checkpoints: Path | None = None
    audit_key: Path | None = None
    audit_days: int | None = None
    registration: bool = False
    second_factor: Literal["off", "risky", "staff"] = "off"
    step_up_minutes: int = 30
    passwords: Literal["nist", "mlps"] = "nist"
    cache: Path | None = None
    outside_networks: tuple[str, ...] = ()

    @property
    def compiled_templates(self) -> Path:
        """Return the folder of compiled templates: it can be deleted at any time."""
        return (self.cache or self.home / "cache") / "templates"

    @property
    def checkpoints(self) -> Path:
        """Return the file of signed checkpoints of the record."""
        return self.audit_checkpoints or self.home / "audit" / "checkpoints.jsonl"

    @property
    def checkpoint_key(self) -> Path:
        """Return the file of the key that signs them."""
        return self.audit_key or self.home / "audit" / "checkpoint.key"

    @property
    def embedded(self) -> bool:
        """Return whether the hub runs on SQLite."""
        return self.database_url.startswith("sqlite")

    @property
    def https(self) -> bool:
        """Return whether people reach the hub by https."""
        return urlsplit(self.public_url).scheme == "https"

    @classmethod
    def from_environment(
        cls,
        *,
        mode: Literal["demonstration", "production"] = "production",
        environ: dict[str, str] | None = None,
    ) -> "Settings":
        """Return the settings of `YIMEN_*` variables.

        Raises `SettingsError` for a value that cannot be used.
        """
        env = dict(os.environ if environ is None else environ)
        home = Path(env.get("YIMEN_HOME") or ".yimen").absolute()
        port = _number(env, "YIMEN_PORT", 8000, 1, 65535)
        public_url = env.get("YIMEN_PUBLIC_URL") or f"http://127.0.0.1:{port}"
        parts = urlsplit(public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError("YIMEN_PUBLIC_URL must be the http(s) address people open")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise SettingsError(
                "YIMEN_PUBLIC_URL must be https, but for an address of this machine"
            )
        settings = cls(
            home=home,
            database_url=_async_url(env.get("YIMEN_DATABASE_URL"), home),
            redis_url=env.get("YIMEN_REDIS_URL") or None,
            host=env.get("YIMEN_HOST") or "127.0.0.1",
            port=port,
            public_url=public_url.rstrip("/"),
            workers=_number(env, "YIMEN_WORKERS", 1, 1, 64),
            mode=mode,
            county=env.get("YIMEN_COUNTY") or ("沾化区" if mode == "demonstration" else "一门县"),
            root_organization=env.get("YIMEN_ROOT_ORGANIZATION")
            or ("371603" if mode == "demonstration" else None),
            secret=_secret(env, home),
            trusted_proxies=tuple(
                part.strip()
                for part in env.get("YIMEN_TRUSTED_PROXIES", "").split(",")
                if part.strip()
            ),
            grants=Path(env.get("YIMEN_MANIFESTS") or "manifests").absolute(),
            audit_checkpoints=_path(env, "YIMEN_AUDIT_CHECKPOINTS"),
            audit_key=_path(env, "YIMEN_AUDIT_KEY"),
            # six months at least: Cybersecurity Law (网络安全法) art. 21
            audit_days=_number(env, "YIMEN_AUDIT_DAYS", 0, LEAST_AUDIT_DAYS, 36500) or None,
            registration=bool(_number(env, "YIMEN_REGISTRATION", 0, 0, 1)),
            second_factor=_second_factor(env),
            step_up_minutes=_number(env, "YIMEN_STEP_UP_MINUTES", 30, 1, 24 * 60),
            passwords=_passwords(env),
            outside_networks=_networks(env, OWN_MACHINE if mode == "demonstration" else ()),
        )
        if settings.workers > 1 and settings.redis_url is None:
            raise SettingsError(
                "several workers need YIMEN_REDIS_URL: without it a revoked right would "
                "stay in force on the other workers; set it or YIMEN_WORKERS=1"
            )
        return settings


def _number(env: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = env.get(name)
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise SettingsError(f"{name} must be a number from {least} to {most}, not {text!r}")
    return int(text)


def _second_factor(env: dict[str, str]) -> Literal["off", "risky", "staff"]:
    match env.get("YIMEN_SECOND_FACTOR") or "off":
        case "off" | "risky" | "staff" as of_whom:
            return of_whom
        case text:
            raise SettingsError(
                f"YIMEN_SECOND_FACTOR must be off, risky or staff, not {text!r}: of nobody, of "
                "whoever uses a permission of high risk, or of all staff"
            )


def _passwords(env: dict[str, str]) -> Literal["nist", "mlps"]:
    match env.get("YIMEN_PASSWORDS") or "nist":
        case "nist":
            return "nist"
        case "mlps":
            return "mlps"
        case other:
            raise SettingsError(f"YIMEN_PASSWORDS must be nist or mlps (等保), not {other!r}")


def _networks(env: dict[str, str], default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the networks, not public, that the hub may call."""
    named = env.get("YIMEN_OUTSIDE_NETWORKS", "")
    networks = tuple(part.strip() for part in named.split(",") if part.strip())
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            raise SettingsError(
                f"YIMEN_OUTSIDE_NETWORKS holds {network!r}, which is no network: "
                "write 10.20.0.0/16, several with commas between"
            ) from None
    return networks or default


def _path(env: dict[str, str], name: str) -> Path | None:
    return Path(env[name]).absolute() if env.get(name) else None


def _async_url(url: str | None, home: Path) -> str:
    if not url:
        return f"sqlite+aiosqlite:///{home / 'yimen.db'}"
    scheme, _, rest = url.partition("://")
    if scheme in ("postgres", "postgresql", "postgresql+asyncpg"):
        return f"postgresql+asyncpg://{rest}"
    if scheme in ("sqlite", "sqlite+aiosqlite"):
        return f"sqlite+aiosqlite://{rest}"
    raise SettingsError("YIMEN_DATABASE_URL must start with postgresql:// or sqlite://")


def _secret(env: dict[str, str], home: Path) -> bytes:
    if given := env.get("YIMEN_SECRET"):
        if len(given) < 32:
            raise SettingsError("YIMEN_SECRET must have 32 characters at least")
        return given.encode()
    path = home / "secret.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        # written whole under another name first: a worker that starts beside never reads a part
        part = home / f"secret.{secrets.token_hex(8)}.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
    secret = path.read_bytes()
    if len(secret) < 32:
        raise SettingsError(f"{path.name} is damaged: bring back the one that was kept")
    return secret
