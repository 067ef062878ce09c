"""What the environment may say, and what is refused before anything starts."""

import threading

import pytest

from core.settings import Settings, SettingsError


def read(tmp_path, **env):
    return Settings.from_environment(environ={"YIMEN_HOME": str(tmp_path), **env})


def test_without_a_word_the_hub_is_embedded_on_this_machine(tmp_path):
    settings = read(tmp_path)
    assert settings.embedded
    assert not settings.https
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path / 'yimen.db'}"
    assert len(settings.secret) >= 32


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("YIMEN_PORT", "0", "YIMEN_PORT"),
        ("YIMEN_PORT", "x", "YIMEN_PORT"),
        ("YIMEN_PORT", "70000", "YIMEN_PORT"),
        ("YIMEN_PUBLIC_URL", "ftp://x", "YIMEN_PUBLIC_URL"),
        ("YIMEN_PUBLIC_URL", "http://hub.example", "https"),
        ("YIMEN_PUBLIC_URL", "https://", "YIMEN_PUBLIC_URL"),
        ("YIMEN_DATABASE_URL", "mysql://x/y", "YIMEN_DATABASE_URL"),
        ("YIMEN_SECRET", "short", "32"),
        ("YIMEN_WORKERS", "2", "YIMEN_REDIS_URL"),
        ("YIMEN_WORKERS", "-1", "YIMEN_WORKERS"),
        ("YIMEN_AUDIT_DAYS", "179", "YIMEN_AUDIT_DAYS must be a number from 180"),
        ("YIMEN_AUDIT_DAYS", "0", "YIMEN_AUDIT_DAYS"),
        ("YIMEN_SECOND_FACTOR", "on", "off, risky or staff"),
        ("YIMEN_STEP_UP_MINUTES", "0", "YIMEN_STEP_UP_MINUTES"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(tmp_path, name, value, word):
    with pytest.raises(SettingsError, match=word):
        read(tmp_path, **{name: value})


def test_addresses_name_the_drivers_of_the_house(tmp_path):
    for url in ("postgres://a/b", "postgresql://a/b", "postgresql+asyncpg://a/b"):
        assert read(tmp_path, YIMEN_DATABASE_URL=url).database_url == "postgresql+asyncpg://a/b"


def test_the_secret_is_made_once_and_read_whole_by_all_who_start_together(tmp_path):
    found = []

    def start():
        found.append(read(tmp_path).secret)

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert len(found[0]) == 64
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0


def test_a_secret_that_was_damaged_is_not_replaced(tmp_path):
    (tmp_path / "secret.key").write_bytes(b"")
    with pytest.raises(SettingsError, match="damaged"):
        read(tmp_path)
