"""Two real sites, each in a network of its own with an address of its own, and cables that can be pulled.

The browser is on a third machine, as far as the network knows. Needs root and iproute2.
"""

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from router.sites.site_keys import make_keys
from tests.browser.two_centres import DEFAULT, Site

ADDRESSES: Final = {"east": "10.213.77.1", "west": "10.213.77.2"}
BETWEEN: Final = "10.213.77.254"
PORT: Final = 8443
PEER_PORT: Final = 8446


class NoNetworks(Exception):
    """They cannot be made here; the message says why."""


@dataclass(frozen=True, slots=True)
class Cables:
    """From each site to the switch."""

    mark: str

    def pull(self, name: str) -> None:
        """Nothing comes or goes any more, and nobody is told."""
        _ip("link", "set", f"{self.mark}{name[0]}", "down")

    def plug_in(self, name: str) -> None:
        """As before."""
        _ip("link", "set", f"{self.mark}{name[0]}", "up")

    def inside(self, name: str) -> list[str]:
        """What a command begins with that runs in this site's network."""
        return ["ip", "netns", "exec", f"{self.mark}-{name}"]


@contextmanager
def networks() -> Iterator[Cables]:
    """Both networks and a switch between. Raises NoNetworks."""
    if os.geteuid() or shutil.which("ip") is None:
        raise NoNetworks("networks of our own need root and iproute2")
    mark = f"mu{os.getpid() % 10_000}"
    try:
        _ip("link", "add", f"{mark}s", "type", "bridge")
        _ip("addr", "add", f"{BETWEEN}/24", "dev", f"{mark}s")
        _ip("link", "set", f"{mark}s", "up")
        for name, address in ADDRESSES.items():
            _connect(mark, name, address)
        yield Cables(mark)
    finally:
        for name in ADDRESSES:
            for words in (["link", "del", f"{mark}{name[0]}"], ["netns", "del", f"{mark}-{name}"]):
                subprocess.run(["ip", *words], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", f"{mark}s"], capture_output=True, check=False)


def _connect(mark: str, name: str, address: str) -> None:
    space, here = f"{mark}-{name}", f"{mark}{name[0]}"
    _ip("netns", "add", space)
    _ip("link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", space)
    _ip("link", "set", here, "master", f"{mark}s")
    _ip("link", "set", here, "up")
    for words in (
        ("addr", "add", f"{address}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        _ip("-n", space, *words)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoNetworks(f"ip {' '.join(words)}: {done.stderr.strip()}")


@dataclass(kw_only=True)
class Remote(Site):
    """A site at its own address."""

    @property
    def url(self) -> str:
        return f"https://{ADDRESSES[self.name]}:{PORT}"


def remote_sites(folder: Path, cables: Cables) -> dict[str, Remote]:
    """East and west, not started: with certificates for their pages, and those of the pair."""
    pair = "".join(
        f'[[pair.sites]]\nid = "{name}"\nname = "{name.title()}"\n'
        f'url = "https://{address}:{PORT}"\npeer = "https://{address}:{PEER_PORT}"\n'
        for name, address in ADDRESSES.items()
    )
    plan = folder / "plan.toml"
    text = DEFAULT.read_text(encoding="utf-8").split("[[accounts]]")[0]
    plan.write_text(f'{text}\n[pair]\ntake_over = "manual"\n{pair}', encoding="utf-8")
    make_keys(folder, ("east", "west"))
    sites = {}
    for name, address in ADDRESSES.items():
        certificate, key = _page_certificate(folder / name, address)
        settings = {
            "MUSTER_PLAN": str(plan),
            "MUSTER_SITE": name,
            "MUSTER_HOST": address,
            "MUSTER_PEER_PORT": str(PEER_PORT),
            "MUSTER_TLS_CERTIFICATE": str(certificate),
            "MUSTER_TLS_KEY": str(key),
        }
        begin = tuple(cables.inside(name))
        sites[name] = Remote(
            name=name, folder=folder / name, settings=settings, fixed_port=PORT, prefix=begin
        )
    return sites


def _page_certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """Signed by itself: the browser of the test is told not to mind."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    paths = folder / "page.pem", folder / "page.key"
    paths[0].write_bytes(certificate.public_bytes(pem))
    paths[1].write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
