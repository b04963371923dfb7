"""What fetching an attachment can be abused for, row by row: where names lead, ports, redirects, bodies."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from httpcore2 import AsyncMockBackend, AsyncNetworkStream, ConnectError

from router.channels import line, messenger, telegram, twilio_sms, whatsapp
from router.channels.port import Account, Provider
from router.run import public_only
from router.run.media_fetch import HOPS_MAX, LATER, Fetched, MediaClient
from router.run.public_only import NotPublic, PublicOnly, is_public
from tests.channels.test_media import Store, gives
from tests.contracts.line import Line
from tests.contracts.messenger import Messenger
from tests.contracts.telegram import Telegram
from tests.contracts.twilio import SID, Twilio
from tests.contracts.whatsapp import OUR_ID, WhatsApp

PROVIDERS: list[tuple[Provider, Account]] = [
    (twilio_sms, Twilio().account),
    (whatsapp, WhatsApp().account),
    (messenger.MESSENGER, Messenger("messenger").account),
    (telegram, Telegram().account),
    (line, Line().account),
]


@pytest.fixture
def store() -> Iterator[Store]:
    running = Store()
    yield running
    running.stop()


class Recorded(AsyncMockBackend):
    """A network that notes what it was asked to connect to, and answers nothing."""

    def __init__(self) -> None:
        super().__init__([])
        self.asked: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **more: Any) -> AsyncNetworkStream:
        self.asked.append((host, port))
        return await super().connect_tcp(host, port)


def answers(*addresses: str) -> Callable[[str, int], Any]:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


def connect(host: str, port: int, *addresses: str, named: Iterable[tuple[str, int]] = ()) -> list[Any]:
    network = Recorded()
    wall = PublicOnly(frozenset(named), resolve=answers(*addresses), backend=network)
    asyncio.run(wall.connect_tcp(host, port))
    return network.asked


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.1.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "198.18.0.1", "192.88.99.1"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1::7f00:1", "2002:7f00:1::"),
        *("2002:a9fe:a9fe::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "fc00::1", "fd12::1", "fe80::1"),
        *("fe80::1%eth0", "fec0::1", "ff02::1", "100::1", "3fff::1", "4000::1", "", "localhost", "1.2.3"),
    ],
)
def test_what_nobody_outside_can_have_is_not_public(address: str) -> None:
    """This machine, this network, a cloud's metadata, in every dress that IPv6 has for an IPv4 address."""
    assert not is_public(address)
    with pytest.raises(NotPublic):
        connect("mms.twiliocdn.com", 443, address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "54.230.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"),
        *("64:ff9b::101:101", "::ffff:1.1.1.1"),
    ],
)
def test_what_somebody_outside_has_is_public(address: str) -> None:
    """Also behind the translator of a network that has IPv6 only."""
    assert connect("mms.twiliocdn.com", 443, address) == [(address, 443)]


def test_a_name_is_resolved_once_and_connected_to_as_it_was_checked() -> None:
    """A server that answers first with its own address and then with ours (rebinding) gains nothing."""
    told = iter([["54.230.1.1"], ["127.0.0.1"]])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(told)

    network = Recorded()
    wall = PublicOnly(resolve=resolve, backend=network)
    asyncio.run(wall.connect_tcp("mms.twiliocdn.com", 443))
    assert network.asked == [("54.230.1.1", 443)]
    with pytest.raises(NotPublic):
        asyncio.run(wall.connect_tcp("mms.twiliocdn.com", 443))


def test_one_bad_address_among_good_ones_is_enough() -> None:
    """No provider has one; whoever put it there answers for the others as well."""
    with pytest.raises(NotPublic):
        connect("mms.twiliocdn.com", 443, "54.230.1.1", "10.0.0.1")
    with pytest.raises(NotPublic):
        connect("mms.twiliocdn.com", 443)


@pytest.mark.parametrize("port", [0, 22, 25, 80, 6379, 8443])
def test_only_the_port_of_https(port: int) -> None:
    """Redis and mail servers listen elsewhere, and understand more than they should."""
    with pytest.raises(NotPublic):
        connect("mms.twiliocdn.com", port, "54.230.1.1")


def test_what_the_plan_names_is_connected_to_and_only_that() -> None:
    """A double of a provider on this machine is the plan's own; another port beside it is not."""
    named = [("127.0.0.1", 9000)]
    assert connect("127.0.0.1", 9000, named=named) == [("127.0.0.1", 9000)]
    with pytest.raises(NotPublic):
        connect("127.0.0.1", 6379, named=named)


def test_a_name_that_cannot_be_resolved_is_tried_again_later() -> None:
    """The other side's trouble, or ours: no reason to give a picture up."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(ConnectError):
        asyncio.run(PublicOnly(resolve=resolve).connect_tcp("mms.twiliocdn.com", 443))


def test_a_providers_name_that_leads_here_is_not_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way: somebody answers for the provider's name with an address of ours."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(public_only, "_resolve", answers("127.0.0.1"))
    account = Twilio().account
    address = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages/MM1/Media/ME1"
    assert fetch(address, provider=twilio_sms, account=account) == LATER
    assert store.asked == []


@pytest.mark.parametrize(("provider", "account"), PROVIDERS, ids=lambda each: getattr(each, "provider", ""))
@pytest.mark.parametrize(
    "address",
    [
        *(
            "http://127.0.0.1/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/latest",
        ),
        *(
            "https://169.254.169.254/latest/meta-data",
            "https://2130706433/",
            "https://0x7f.1/",
            "file:///etc/passwd",
        ),
        *(
            "gopher://127.0.0.1:6379/_FLUSHALL",
            "https://api.twilio.com:8443/2010-04-01/Accounts/x",
            "//evil.example",
        ),
        *(
            "https://user:secret@lookaside.fbsbx.com/x",
            "https://lookaside.fbsbx.com@evil.example/x",
            "https://",
        ),
        *(
            "https://lookaside.fbsbx.com.evil.example/x",
            "https://evil.example#lookaside.fbsbx.com",
            "http://[",
        ),
        *("https://api.line.me:22/v2/bot/message/1/content", "https://api.telegram.org@127.0.0.1/file/bot"),
        *("https://scontent.xx.fbcdn.net:6379/x", "https://scontent.xx.fbcdn.net\\@evil.example/x"),
        *("http://scontent.xx.fbcdn.net/x", "https://evilfbcdn.net/x", "https://fbcdn.net.evil.example/x"),
    ],
)
def test_no_provider_asks_for_an_address_of_somebody_elses(
    provider: Provider, account: Account, address: str
) -> None:
    """Other machines, other ports, names and passwords in front of a host, numbers that are addresses."""
    assert provider.media_request(address, account) is None
    assert fetch(address, provider=provider, account=account).lost == "not_the_providers"


def test_a_circle_of_redirects_ends(store: Store) -> None:
    """The provider's own, by mistake: a few steps, and it is lost."""
    says(store, f"{store.url}/attachments/round")
    store.answers["round"] = [gives(b"", 302, Location=f"{store.url}/attachments/round")]
    assert fetch_of(store).lost == "not_there"
    assert len(store.asked) == HOPS_MAX + 1


@pytest.mark.parametrize(
    "location",
    ["http://[", "https://[::1", "\\\\evil.example", "javascript:alert(1)", "//evil.example/x", ""],
)
def test_a_redirect_to_nonsense_is_not_followed(store: Store, location: str) -> None:
    """And does not stop the worker."""
    says(store, f"{store.url}/attachments/odd")
    store.answers["odd"] = [gives(b"", 302, Location=location or " ")]
    assert fetch_of(store).lost in ("not_the_providers", "not_there")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, gzip", "x"])
def test_nothing_is_unpacked(store: Store, encoding: str) -> None:
    """A kilobyte that becomes a gigabyte: we ask for no packing, and take none."""
    says(store, f"{store.url}/attachments/packed")
    store.answers["packed"] = [gives(b"\x1f\x8b", Content_Encoding=encoding)]
    assert fetch_of(store).lost == "not_there"


@pytest.mark.parametrize("length", ["1001", "99999999999999", "1001, 1001"])
def test_a_body_that_is_announced_too_large_is_not_read(store: Store, length: str) -> None:
    """The limit of its channel holds before a byte of it is here, and after."""
    says(store, f"{store.url}/attachments/huge")
    store.answers["huge"] = [gives(b"x" * 1_001, Content_Length=length)]
    assert fetch_of(store).body is None


def fetch(address: str, *, provider: Provider, account: Account) -> Fetched:
    async def one() -> Fetched:
        client = MediaClient()
        try:
            return await client.fetch(address, provider=provider, account=account, bytes_max=1_000)
        finally:
            await client.close()

    return asyncio.run(one())


def fetch_of(store: Store) -> Fetched:
    return fetch("whatsapp:271", provider=whatsapp, account=replace(WhatsApp().account, endpoint=store.url))


def says(store: Store, address: str) -> None:
    told = json.dumps({"url": address, "mime_type": "image/jpeg"}).encode()
    store.answers[f"271?phone_number_id={OUR_ID}"] = [gives(told)]
