"""What a site is known to the other one by: the key of the pair, and its certificate where there is one.

`muster site keys` makes them (site_keys.py). They lie in the data folder: secrets/peer-key (or the variable
MUSTER_SECRET_PEER_KEY), and peer/ca.pem, peer/certificate.pem, peer/private-key.pem.
"""

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.plan import Plan
from config.settings import Settings, SettingsWrong, site_id_of
from router.channels.accounts import secret_of
from router.sites.auth import KEY_BYTES_MIN, Ends

PEER_KEY: Final = "peer-key"
"""Name of the secret."""

FOLDER: Final = "peer"
CA: Final = "ca.pem"
CERTIFICATE: Final = "certificate.pem"
PRIVATE_KEY: Final = "private-key.pem"

_MAKE: Final = "type `muster site keys FOLDER`, and copy what it makes for this site into the data folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAccess:
    """How this site reaches the other one, and is reached.

    Shape: url is the other site's listener; key is shared by both; tls is None where there are no
           certificates, on one machine only.
    """

    site: str
    peer: str
    url: str
    key: bytes
    tls: "TlsFiles | None"

    @property
    def outgoing(self) -> Ends:
        """The ends of what this site asks."""
        return Ends(site=self.site, to=self.peer)

    @property
    def incoming(self) -> Ends:
        """The ends of what it is asked."""
        return Ends(site=self.peer, to=self.site)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """The certificates of one site."""

    ca: Path
    certificate: Path
    private_key: Path

    def client(self) -> ssl.SSLContext:
        """For asking the other site. It must have a certificate of our CA with its name (host_name)."""
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.certificate, self.private_key)
        return context


def host_name(site: str) -> str:
    """The name in a site's certificate: whatever address it is reached at, it is this site."""
    return f"{site.replace('_', '--')}.muster-pair"  # an underscore is no part of a host name


def peer_access(settings: Settings, plan: Plan) -> PeerAccess:
    """What this site knows the other one by. Raises SettingsWrong with one line that says what to do."""
    if not settings.site:
        raise SettingsWrong(
            "MUSTER_SITE is empty: type MUSTER_SITE=a before the command, as the plan's pair says"
        )
    site = site_id_of(settings, plan)
    if plan.pair is None:  # not reachable: site_id_of refuses it
        raise SettingsWrong("the plan has no [pair]")
    other = plan.pair.other(site)
    key = secret_of(PEER_KEY, settings)
    if key is None or len(key) < KEY_BYTES_MIN:
        raise SettingsWrong(f"there is no key for the pair ({settings.data_dir}/secrets/{PEER_KEY}): {_MAKE}")
    url = settings.peers.get(other.site_id, other.peer).rstrip("/")
    tls = tls_files(settings)
    _refuse_plain(url, tls)
    return PeerAccess(site=site, peer=other.site_id, url=url, key=key, tls=tls)


def tls_files(settings: Settings) -> TlsFiles | None:
    """This site's certificates; None where there are none. Raises SettingsWrong where one is missing."""
    folder = settings.data_dir / FOLDER
    files = TlsFiles(ca=folder / CA, certificate=folder / CERTIFICATE, private_key=folder / PRIVATE_KEY)
    there = [each.is_file() for each in (files.ca, files.certificate, files.private_key)]
    if not any(there):
        return None
    if not all(there):
        raise SettingsWrong(f"{folder} has not all of {CA}, {CERTIFICATE}, {PRIVATE_KEY}: {_MAKE}")
    return files


def check_listener(host: str, tls: TlsFiles | None) -> None:
    """Refuses to listen where others could read what comes. Raises SettingsWrong."""
    if tls is None and not _is_loopback(host):
        raise SettingsWrong(f"the other site would be heard on {host} without encryption: {_MAKE}")


def _refuse_plain(url: str, tls: TlsFiles | None) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" and tls is None:
        raise SettingsWrong(f"{url} needs certificates, and this site has none: {_MAKE}")
    if parts.scheme != "https" and tls is not None:
        raise SettingsWrong(
            f"{url} must begin with https, as this site has certificates: change it in the plan"
        )
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise SettingsWrong(f"{url} could be read on the way: {_MAKE}, and begin it with https")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
