"""The configuration keeps the promised defaults, bounds and presets, and every secret."""

from __future__ import annotations

import json
import math
import os
import pickle
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import attrs
import msgspec
import pytest

from kraken_trio._internal.model.config import ENVIRONMENT, DropPolicy, KrakenConfig
from kraken_trio._internal.model.errors import ConfigurationError
from kraken_trio._internal.model.gap import GapHandling, GapPolicy
from kraken_trio._internal.model.secret import Secret
from kraken_trio._internal.model.traits import V1, V2

KEY = "hunter2KEYhunter2"
SECRET = "aHVudGVyMlNFQ1JFVA=="

DEFAULTS = {
    "protocol": "v2",
    "endpoint": "wss://ws.kraken.com/v2",
    "private_endpoint": "wss://ws-auth.kraken.com/v2",
    "level3_endpoint": "wss://ws-l3.kraken.com/v2",
    "allow_insecure": False,
    "api_key": None,
    "api_secret": None,
    "timeout": 30,
    "buffer_size": 1024,
    "concurrent_callbacks": False,
    "max_attempts": 10,
    "initial_delay": 0.1,
    "max_delay": 30,
    "multiplier": 2,
    "jitter": 0.25,
    "budget": 150,
    "budget_window": 600,
    "heartbeat_interval": 30,
    "heartbeat_timeout": 10,
    "stale_after": 5,
    "silent_after": 60,
    "read_window": 0,
    "max_messages_per_second": 0,
    "max_queue_depth": 500,
    "drop_policy": DropPolicy.OLDEST,
    "coalesce_window": 0.01,
    "gap_policy": GapPolicy.RESYNC,
    "max_gap": 100,
    "max_pending": 1000,
    "pending_timeout": 30,
    "backfill": False,
    "incidents": None,
}


def fields(config: KrakenConfig) -> dict[str, object]:
    """Give every field by its name."""
    return attrs.asdict(config)


@pytest.fixture
def dotenv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for python-dotenv, which is an extra: it knows ``NAME=value`` lines."""

    def dotenv_values(*, stream: IO[str], interpolate: bool) -> dict[str, str | None]:
        assert not interpolate
        pairs = (line.partition("=") for line in stream.read().splitlines())
        return {name: value if equals else None for name, equals, value in pairs}

    module = types.ModuleType("dotenv")
    module.dotenv_values = dotenv_values  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dotenv", module)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder, and work in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults() -> None:
    """Every field has the promised name and default, and there is no other."""
    assert fields(KrakenConfig()) == DEFAULTS


@pytest.mark.parametrize(
    "preset, differences",
    [
        (KrakenConfig.low_latency, {"buffer_size": 128, "timeout": 5}),
        (
            KrakenConfig.multi_pair,
            {
                "max_messages_per_second": 5000,
                "coalesce_window": 0.05,
                "drop_policy": DropPolicy.COALESCE,
            },
        ),
        (
            KrakenConfig.aggregator,
            {
                "buffer_size": 4096,
                "timeout": 60,
                "read_window": 0.001,
                "max_messages_per_second": 10000,
                "max_queue_depth": 10000,
                "coalesce_window": 0.1,
                "drop_policy": DropPolicy.COALESCE,
            },
        ),
    ],
)
def test_presets(preset: Callable[..., KrakenConfig], differences: dict[str, object]) -> None:
    """Each preset differs from the defaults where promised, and any field can be overridden."""
    assert fields(preset()) == DEFAULTS | differences
    overrides = {"buffer_size": 7, "drop_policy": DropPolicy.BLOCK, "jitter": 0}
    assert fields(preset(**overrides)) == DEFAULTS | differences | overrides


SECONDS = (
    *("timeout", "initial_delay", "max_delay", "budget_window", "heartbeat_interval"),
    *("heartbeat_timeout", "stale_after", "pending_timeout"),
)
COUNTS = ("buffer_size", "max_attempts", "budget", "max_queue_depth", "max_gap", "max_pending")
BAD: list[tuple[str, object]] = [
    *((field, value) for field in SECONDS for value in (0, -1, math.nan, math.inf, True, "5")),
    *((field, value) for field in COUNTS for value in (0, -1, 1.0, True, "5")),
    *(("multiplier", value) for value in (1, 0, -2, math.nan, math.inf, "2")),
    *(("jitter", value) for value in (-0.01, 1.01, math.nan, True, None)),
    *(("coalesce_window", value) for value in (-0.01, math.nan, math.inf, False)),
    *(("read_window", value) for value in (-0.01, 0.11, math.nan, False, None)),
    *(("max_messages_per_second", value) for value in (-1, 0.5, False, None)),
    *(("allow_insecure", value) for value in (1, "yes", None)),
    *(("concurrent_callbacks", value) for value in (0, "no")),
    *(("drop_policy", value) for value in ("newest", None, GapPolicy.RESYNC)),
    *(("gap_policy", value) for value in ("retry", None, DropPolicy.OLDEST)),
    *(
        (field, value)
        for field in ("endpoint", "private_endpoint", "level3_endpoint")
        for value in ("ws://ws.kraken.com/v2", "https://ws.kraken.com", "wss://a@b/", None, 5)
    ),
    ("initial_delay", 30.1),
]


@pytest.mark.parametrize("field, value", BAD)
def test_bounds(field: str, value: object) -> None:
    """A value out of bounds or of another type is refused, and the error names the field."""
    with pytest.raises(ConfigurationError) as caught:
        KrakenConfig(**{field: value})  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize(
    "field, value",
    [
        *((field, value) for field in SECONDS if field != "max_delay" for value in (1e-9, 0.5, 5)),
        ("max_delay", 0.1),
        *((field, 1) for field in COUNTS),
        ("max_attempts", None),
        ("multiplier", 1.0001),
        ("jitter", 0),
        ("jitter", 1),
        ("coalesce_window", 0),
        ("read_window", 0),
        ("read_window", 0.1),
        ("max_messages_per_second", 1),
    ],
)
def test_borders(field: str, value: object) -> None:
    """The smallest and the largest legal values are taken as they are."""
    config = KrakenConfig(**{field: value})  # type: ignore[arg-type]
    assert getattr(config, field) == value


def test_delays_are_compared() -> None:
    """The error about two delays says both."""
    with pytest.raises(ConfigurationError) as caught:
        KrakenConfig(initial_delay=2, max_delay=1.5)
    assert str(caught.value) == (
        "initial_delay: must be at most max_delay, is 2 above 1.5. Lower it, or raise max_delay"
    )


@pytest.mark.parametrize("field", ["endpoint", "private_endpoint", "level3_endpoint"])
def test_plain_text_stays_here_unless_allowed(field: str) -> None:
    """Each endpoint may be plain text on this machine, and elsewhere with an explicit word."""
    for url in ("ws://localhost:3032/v2", "ws://127.0.0.1:1", "ws://[::1]:1/v2"):
        assert getattr(KrakenConfig(**{field: url}), field) == url  # type: ignore[arg-type]
    for url in ("ws://localhost.evil.com/", "ws://10.0.0.1/"):
        with pytest.raises(ConfigurationError, match="this machine"):
            KrakenConfig(**{field: url})  # type: ignore[arg-type]
        KrakenConfig(**{field: url}, allow_insecure=True)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="without user"):
        KrakenConfig(**{field: "ws://localhost@evil.com/"}, allow_insecure=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["oldest", "Latest", "COALESCE", "block"])
def test_policies_by_word(word: str) -> None:
    """A policy may be given as its word, in any case."""
    assert KrakenConfig(drop_policy=word).drop_policy is DropPolicy[word.upper()]
    assert KrakenConfig(gap_policy="Buffer").gap_policy is GapPolicy.BUFFER


def test_credentials_come_in_pairs() -> None:
    """Key and secret are given both or neither; the error names the one that is missing."""
    config = KrakenConfig(api_key=KEY, api_secret=SECRET)
    assert (config.api_key, config.api_secret) == (Secret(KEY), Secret(SECRET))
    with pytest.raises(ConfigurationError) as caught:
        KrakenConfig(api_key=KEY)
    assert caught.value.field == "api_secret"
    assert KEY not in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        KrakenConfig(api_secret=SECRET)
    assert caught.value.field == "api_key"
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("changes", [{"api_secret": "hunter2"}, {"api_key": "hunter2 "}])
def test_damaged_credentials(changes: dict[str, str]) -> None:
    """A secret that is no base64, or a key with a blank, is refused without showing it."""
    with pytest.raises(ConfigurationError) as caught:
        KrakenConfig(**({"api_key": KEY, "api_secret": SECRET} | changes))  # type: ignore[arg-type]
    assert [caught.value.field] == list(changes)
    assert "hunter2" not in repr(caught.value) + str(caught.value)


def test_credentials_are_shown_nowhere() -> None:
    """Neither a text of the whole, nor what it is taken apart into, holds a secret."""
    config = KrakenConfig(api_key=KEY, api_secret=SECRET)
    parts = (attrs.asdict(config), attrs.astuple(config))
    for text in (repr(config), str(config), f"{config}", *map(repr, parts)):
        assert "api_key" not in text or "Secret(****)" in text
        assert KEY not in text
        assert SECRET not in text
    for write in (pickle.dumps, msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError):
            write(config)
    with pytest.raises(TypeError):
        json.dumps(attrs.asdict(config))


def test_frozen_and_by_keyword() -> None:
    """A configuration never changes, has no other fields, and takes keywords alone."""
    config: Any = KrakenConfig()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        config.timeout = 5
    with pytest.raises(TypeError):
        config.replace(time_out=5)
    with pytest.raises(TypeError):
        type(config)("wss://ws.kraken.com/v2")
    assert config == KrakenConfig()
    assert hash(config) == hash(KrakenConfig())


def test_replace_checks_anew() -> None:
    """A changed copy keeps the rest, credentials too, and is held to the same rules."""
    config = KrakenConfig(api_key=KEY, api_secret=SECRET, timeout=5)
    changed = config.replace(drop_policy="latest", buffer_size=1)
    assert fields(changed) == fields(config) | {
        "drop_policy": DropPolicy.LATEST,
        "buffer_size": 1,
    }
    with pytest.raises(ConfigurationError, match="max_delay"):
        config.replace(max_delay=0.01)


def test_from_env_reads_the_environment(folder: Path) -> None:
    """Credentials and endpoints come from the process's environment; strangers do not."""
    environ = {
        "KRAKEN_API_KEY": KEY,
        "KRAKEN_API_SECRET": SECRET,
        "KRAKEN_ENDPOINT": "wss://a/v2",
        "KRAKEN_PRIVATE_ENDPOINT": "wss://b/v2",
        "KRAKEN_LEVEL3_ENDPOINT": "wss://c/v2",
        "KRAKEN_ALLOW_INSECURE": "1",
        "API_KEY": "other",
    }
    assert fields(KrakenConfig.from_env(environ=environ)) == DEFAULTS | {
        "api_key": Secret(KEY),
        "api_secret": Secret(SECRET),
        "endpoint": "wss://a/v2",
        "private_endpoint": "wss://b/v2",
        "level3_endpoint": "wss://c/v2",
    }


def test_from_env_reads_every_field_but_one(folder: Path) -> None:
    """Each setting has its variable; whether ``ws://`` may leave is the program's own word."""
    assert set(ENVIRONMENT.values()) == set(DEFAULTS) - {"allow_insecure"}
    environ = {
        "KRAKEN_TIMEOUT": "2.5",
        "KRAKEN_BUFFER_SIZE": " 64 ",
        "KRAKEN_MAX_ATTEMPTS": "None",
        "KRAKEN_CONCURRENT_CALLBACKS": "True",
        "KRAKEN_DROP_POLICY": "coalesce",
        "KRAKEN_BACKFILL": "true",
        "KRAKEN_ALLOW_INSECURE": "true",
    }
    config = KrakenConfig.from_env(environ=environ)
    assert config == KrakenConfig(
        timeout=2.5,
        buffer_size=64,
        max_attempts=None,
        concurrent_callbacks=True,
        drop_policy=DropPolicy.COALESCE,
        backfill=True,
    )


def test_the_exchanges_own_endpoints_follow_the_protocol() -> None:
    """It is the path that chooses a protocol, so the exchange's own addresses go with it."""
    old = KrakenConfig(protocol="v1")
    assert (old.endpoint, old.private_endpoint) == (
        "wss://ws.kraken.com/",
        "wss://ws-auth.kraken.com/",
    )
    assert old.replace(protocol="v2") == KrakenConfig()
    assert KrakenConfig().replace(protocol="v1") == old
    assert KrakenConfig.from_env(None, environ={"KRAKEN_PROTOCOL": "v1"}) == old
    assert KrakenConfig.aggregator(protocol="v1").endpoint == old.endpoint
    elsewhere = KrakenConfig(protocol="v1", endpoint="wss://localhost:1/")
    assert elsewhere.endpoint == "wss://localhost:1/"
    assert (old.traits, KrakenConfig().traits) == (V1, V2)


@pytest.mark.parametrize("protocol", ["v3", "", None, 1, []])
def test_protocols_that_there_are_not(protocol: Any) -> None:
    """There are two protocols, and no others."""
    with pytest.raises(ConfigurationError, match="must be one of v2, v1; this one is not"):
        KrakenConfig(protocol=protocol)


@pytest.mark.parametrize("field", ["endpoint", "private_endpoint"])
def test_the_path_of_the_other_protocol(field: str) -> None:
    """Where v2 is spoken nobody would understand v1."""
    with pytest.raises(ConfigurationError, match="not at /v2") as caught:
        KrakenConfig().replace(protocol="v1", **{field: "wss://localhost:1/v2"})
    assert caught.value.field == field


@pytest.mark.parametrize(
    "variable, text, rule",
    [
        ("KRAKEN_TIMEOUT", "soon", "must be a number"),
        ("KRAKEN_TIMEOUT", "nan", "seconds"),
        ("KRAKEN_BUFFER_SIZE", "1.5", "must be a whole number"),
        ("KRAKEN_BUFFER_SIZE", "none", "must be a whole number"),
        ("KRAKEN_CONCURRENT_CALLBACKS", "perhaps", "must be true or false"),
        ("KRAKEN_DROP_POLICY", "newest", "oldest"),
    ],
)
def test_a_wrong_variable_is_named_without_its_text(
    folder: Path, variable: str, text: str, rule: str
) -> None:
    """What stands there may be a secret in the wrong place."""
    with pytest.raises(ConfigurationError) as caught:
        KrakenConfig.from_env(environ={variable: text})
    assert caught.value.field == variable.removeprefix("KRAKEN_").lower()
    assert rule in caught.value.rule


def test_from_env_takes_the_process_by_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ``environ`` the process's own environment is read, and left as it is."""
    for name in tuple(os.environ):
        if name.startswith("KRAKEN_"):
            monkeypatch.delenv(name)
    assert KrakenConfig.from_env() == KrakenConfig()
    monkeypatch.setenv("KRAKEN_ENDPOINT", "wss://a/v2")
    before = dict(os.environ)
    assert KrakenConfig.from_env(None, timeout=5) == KrakenConfig(endpoint="wss://a/v2", timeout=5)
    assert dict(os.environ) == before


def test_from_env_is_checked(folder: Path) -> None:
    """What comes from the environment is held to the same rules."""
    with pytest.raises(ConfigurationError, match="this machine"):
        KrakenConfig.from_env(environ={"KRAKEN_ENDPOINT": "ws://ws.kraken.com/v2"})
    with pytest.raises(ConfigurationError, match="given with api_key"):
        KrakenConfig.from_env(environ={"KRAKEN_API_KEY": KEY})


@pytest.mark.usefixtures("dotenv")
def test_order_of_precedence(folder: Path) -> None:
    """Overrides win over the environment, which wins over the file, even with an empty value."""
    (folder / ".env").write_text(
        f"\ufeffKRAKEN_API_KEY={KEY}\nKRAKEN_API_SECRET={SECRET}\n"
        "KRAKEN_ENDPOINT=wss://file/\nKRAKEN_LEVEL3_ENDPOINT\nOTHER=1\n",
        encoding="utf-8",
    )
    read = KrakenConfig.from_env
    assert read(environ={}) == KrakenConfig(api_key=KEY, api_secret=SECRET, endpoint="wss://file/")
    assert read(environ={"KRAKEN_ENDPOINT": "wss://process/"}).endpoint == "wss://process/"
    assert read(environ={"KRAKEN_API_KEY": "", "KRAKEN_API_SECRET": ""}).api_key is None
    assert read(environ={"KRAKEN_ENDPOINT": "x"}, endpoint="wss://y/").endpoint == "wss://y/"
    assert read(env_file=None, environ={}) == KrakenConfig()


@pytest.mark.usefixtures("dotenv")
def test_named_file(folder: Path) -> None:
    """A file of another name is read, and must be there."""
    path = folder / "kraken.env"
    with pytest.raises(ConfigurationError, match=r"env_file: .*kraken\.env cannot be read"):
        KrakenConfig.from_env(path, environ={})
    path.write_text("KRAKEN_ENDPOINT=wss://file/\n", encoding="utf-8")
    for name in (path, str(path), "kraken.env"):
        assert KrakenConfig.from_env(name, environ={}).endpoint == "wss://file/"


@pytest.mark.usefixtures("dotenv")
def test_file_that_cannot_be_read(folder: Path) -> None:
    """A file that is no text is an error that holds nothing of it; a folder is no file."""
    (folder / ".env").write_bytes(b"KRAKEN_API_KEY=hunter2\xff")
    with pytest.raises(ConfigurationError, match=r"\.env cannot be read") as caught:
        KrakenConfig.from_env(environ={})
    assert caught.value.__context__ is None
    (folder / ".env").unlink()
    (folder / ".env").mkdir()
    assert KrakenConfig.from_env(environ={}) == KrakenConfig()


def test_file_without_its_reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is there is never ignored because python-dotenv is not."""
    monkeypatch.setitem(sys.modules, "dotenv", None)
    assert KrakenConfig.from_env(environ={}) == KrakenConfig()
    (folder / ".env").touch()
    with pytest.raises(ConfigurationError) as caught:
        KrakenConfig.from_env(environ={"KRAKEN_API_KEY": KEY, "KRAKEN_API_SECRET": SECRET})
    assert str(caught.value) == (
        "env_file: must be readable, .env is there and python-dotenv is not installed. "
        "Run: pip install 'kraken-trio[private]'"
    )


def test_the_real_reader(folder: Path) -> None:
    """python-dotenv takes quotes, comments and ``export``, and leaves a ``$`` alone."""
    pytest.importorskip("dotenv")
    (folder / ".env").write_text(
        f"# mine\nexport KRAKEN_API_KEY='{KEY}$HOME${{HOME}}'\nKRAKEN_API_SECRET=\"{SECRET}\"\n",
        encoding="utf-8",
    )
    config = KrakenConfig.from_env(environ={})
    assert config.api_key == Secret(KEY + "$HOME${HOME}")
    assert config.api_secret == Secret(SECRET)


def test_how_gaps_are_handled_is_one_thing() -> None:
    """What subscriptions do about their losses, as the fields say it."""
    config = KrakenConfig(
        gap_policy="buffer", max_gap=3, max_pending=4, pending_timeout=5.0, backfill=True
    )
    assert config.gap_handling == GapHandling(
        policy=GapPolicy.BUFFER, max_gap=3, max_pending=4, pending_timeout=5.0, backfill=True
    )
    assert KrakenConfig().gap_handling == GapHandling()


def test_the_folder_of_incidents_is_text(tmp_path: Path) -> None:
    """Of a path, too; from the environment as well."""
    assert KrakenConfig(incidents=tmp_path).incidents == str(tmp_path)
    config = KrakenConfig.from_env(None, {"KRAKEN_INCIDENTS": "here"})
    assert config.incidents == "here"
    for wrong in ("", "a\0b", 5):
        with pytest.raises(ConfigurationError, match="incidents"):
            KrakenConfig(incidents=wrong)
