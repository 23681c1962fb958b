"""Whom a connection trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from kraken_trio import ConfigurationError
from kraken_trio._internal.apps.dialling import trusting


def test_without_a_file_the_system_is_trusted() -> None:
    """Certificates and names are verified, from TLS 1.2 on."""
    context = trusting(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_with_a_file_nobody_else_is_trusted(tmp_path: Path) -> None:
    """The authority in it, and that alone."""
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(file)
    context = trusting(file)
    assert len(context.get_ca_certs()) == 1
    assert context.check_hostname


def test_a_file_without_certificates_is_a_mistake(tmp_path: Path) -> None:
    """It is said what it should be."""
    file = tmp_path / "ca.pem"
    file.write_text("nothing of that kind")
    with pytest.raises(ConfigurationError, match=r"ca: .*PEM.* holds none"):
        trusting(file)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    """As for any other file."""
    with pytest.raises(FileNotFoundError):
        trusting(tmp_path / "missing")
