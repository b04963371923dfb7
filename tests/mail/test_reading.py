"""What a mail says: hostile and clumsy ones, each of which must end in front of a human."""

import base64
import io
import os
import time
import zipfile
from collections.abc import Callable, Mapping
from email import policy
from email.message import EmailMessage
from typing import Final

import pytest

from router.channels.mail_head import head_of, subject_of
from router.channels.mail_reading import MailRead, file_name_of, read_mail
from router.channels.mail_words import text_of_html, words_of


def multipart(*parts: bytes, kind: str = "mixed") -> bytes:
    """A mail of these parts."""
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="b"\r\n\r\n'.encode() + body + b"--b--\r\n"


def text(words: str, kind: str = "plain") -> bytes:
    return f"Content-Type: text/{kind}; charset=utf-8\r\n\r\n{words}".encode()


@pytest.mark.parametrize(
    "charset",
    ["klingon", "rot13", "utf-8\0", "zip", "idna", "punycode", "unicode_escape", "", "x" * 900, "mbcs"],
)
def test_a_charset_that_is_none_costs_no_words(charset: str) -> None:
    """B-53: read as what most people write."""
    raw = f"Content-Type: text/plain; charset={charset}\r\n\r\nHelp at the caf\u00e9".encode()
    assert read_mail(raw).text == "Help at the café"


@pytest.mark.parametrize(
    ("charset", "body", "said"),
    [
        ("utf-8", "Café".encode("latin-1"), "Caf�"),
        ("us-ascii", "Café".encode("latin-1"), "Café"),
        ("iso-8859-1", "Café “so”".encode("cp1252"), "Café “so”"),
        ("utf-16", "Café".encode("utf-16"), "Café"),
        ("iso-2022-jp", "助けて".encode("iso-2022-jp"), "助けて"),
        ("gb2312", "救命".encode("gb2312"), "救命"),
        ("koi8-r", "помогите".encode("koi8-r"), "помогите"),
        ("utf-8", b"a\0b", "a␀b"),
        ("utf-8", b"\xed\xa0\x80x", "���x"),
    ],
)
def test_words_in_every_charset(charset: str, body: bytes, said: str) -> None:
    """B-28, B-29: also where the charset is wrong, and what databases refuse."""
    raw = f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + body
    assert read_mail(raw).text == said


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: multipart/mixed\r\n",
        'Content-Type: multipart/mixed; boundary=""\r\n',
        "Content-Type: multipart/mixed; boundary=never\r\n",
        "Content-Type: /\r\n",
        "Content-Type: text\r\n",
        "Content-Type: \r\n",
        "Content-Transfer-Encoding: klingon\r\n",
        "Content-Type: multipart/alternative; boundary=b; boundary=c\r\n",
        ": nothing\r\n",
    ],
)
def test_a_mail_with_broken_structure_is_its_raw_text(head: str) -> None:
    """B-54."""
    assert "Help me" in read_mail(f"{head}\r\nHelp me".encode()).text


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\r\n\r\n", b"\n", b"From: a@b", b"Subject: only\r\n\r\n"])
def test_a_mail_of_nothing_is_read(raw: bytes) -> None:
    """B-55."""
    read = read_mail(raw)
    assert (read.text, read.notes) == ("", ("no_text",))


def test_words_of_a_page_without_text() -> None:
    """B-62: what can be read of it; no script, no style, and a link says where it leads."""
    page = (
        "<html><head><title>t</title><style>p{}</style></head><body onload=x()><p>My house<br>burns"
        "<script>alert(1)</script><form action=//evil><input></form><iframe src=//evil></iframe>"
        '<a href="https://evil.example/x">click</a><img src=https://evil/p.gif alt="a flame">'
        '<meta http-equiv=refresh content="0;url=//evil"> 3 &lt; 5 &amp; so'
    )
    read = read_mail(text(page, "html"))
    words = " ".join(read.text.split())
    assert words == "My house burns <https://evil.example/x> click a flame 3 < 5 & so"
    assert read.page == page.encode()


def test_a_text_beside_its_page_is_said_once() -> None:
    """The usual mail has both."""
    raw = multipart(text("Hello there"), text("<p>Hello there</p>", "html"), kind="alternative")
    assert read_mail(raw).text == "Hello there"


def test_a_text_that_only_points_to_the_page_does_not_hide_it() -> None:
    """Or one could be shown to us and another to everybody else."""
    page = f"<p>{'There is smoke in the stairwell. ' * 40}</p>"
    raw = multipart(text("Your program cannot show this."), text(page, "html"), kind="alternative")
    assert "smoke in the stairwell" in read_mail(raw).text


def test_a_footer_of_a_list_does_not_hide_the_page_above_it() -> None:
    """A text and a page in a row are two different things."""
    raw = multipart(text("<p>I need help</p>", "html"), text("_______\nlist footer"))
    assert "I need help" in read_mail(raw).text and "list footer" in read_mail(raw).text


def test_files_come_with_their_names() -> None:
    """As people's programs send them: also written in other alphabets, in pieces, or wrongly."""
    mail = EmailMessage(policy=policy.SMTP)
    mail.set_content("two files")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="plan für Änderung.pdf")
    mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="图片.png")
    read = read_mail(mail.as_bytes())
    assert [(each.name, each.body) for each in read.files] == [
        ("plan für Änderung.pdf", b"%PDF-"),
        ("图片.png", b"\x89PNG"),
    ]
    wrong = b'Content-Type: image/png; name="=?utf-8?b?5Zu+54mHLnBuZw==?="\r\n\r\nx'
    assert read_mail(multipart(wrong)).files[0].name == "图片.png"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd\0.txt", "passwd.txt"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ("con\r\nBcc: x@y.txt", "conBcc x@y.txt"),
        ("\u202egnp.exe", "gnp.exe"),
        ("", "file"),
        ("...", "file"),
        ("a" * 500 + ".pdf", "a" * 103 + ".pdf"),
        ("\ud800.png", "png"),
    ],
)
def test_a_file_name_is_only_a_name(given: str, name: str) -> None:
    """B-60: it is shown, stored, and proposed to a browser."""
    assert file_name_of(given, "application/octet-stream") == name


def test_archives_are_never_opened() -> None:
    """B-60: 200 MB of zeros in 200 KB stay 200 KB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(20_000_000))
    part = b"Content-Type: application/zip; name=z.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    read = read_mail(multipart(part + base64.encodebytes(packed.getvalue())))
    assert read.files[0].body == packed.getvalue()


def test_a_mail_in_a_mail_is_a_file_and_its_words_are_read() -> None:
    """Somebody forwards a threat: what is in it decides how urgent it is."""
    inner = b"From: x@y\r\nSubject: I will do it\r\n\r\nI have a gun\r\n"
    read = read_mail(multipart(text("see below"), b"Content-Type: message/rfc822\r\n\r\n" + inner))
    assert "see below" in read.text and "I will do it" in read.text and "I have a gun" in read.text
    assert [(each.name, each.body) for each in read.files] == [("I will do it.eml", inner)]


def test_what_cannot_be_read_here_is_given_out_as_a_file() -> None:
    """B-66: Outlook's winmail.dat, encrypted mail, a picture of text."""
    tnef = read_mail(b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n\x78\x9f\x3e\x22")
    assert tnef.files[0].name == "winmail.dat" and "encrypted" in tnef.notes
    sealed = read_mail(b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nxx")
    assert sealed.files and "encrypted" in sealed.notes
    pgp = read_mail(text("-----BEGIN PGP MESSAGE-----\r\nabc\r\n-----END PGP MESSAGE-----"))
    assert "encrypted" in pgp.notes and "BEGIN PGP" in pgp.text
    picture = read_mail(b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBOR")
    assert picture.files and picture.notes == ("no_text",)


def test_a_bounce_says_what_did_not_arrive() -> None:
    """And nothing of our own words, which it brings back, is read as news."""
    raw = multipart(
        text("Your mail could not be delivered."),
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        b"Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n",
        b"Content-Type: message/rfc822\r\n\r\n"
        b"Message-ID: <m.abc@lowen.example>\r\nSubject: Re: fire\r\n\r\nfire\r\n",
        kind="report; report-type=delivery-status",
    )
    read = read_mail(raw)
    assert read.bounce is not None
    assert (read.bounce.action, read.bounce.status, read.bounce.original_id) == (
        "failed",
        "5.1.1",
        "m.abc@lowen.example",
    )
    assert read.text == "Your mail could not be delivered." and not read.files


SLOW: Final[Mapping[str, Callable[[], bytes]]] = {
    "10,000 parts": lambda: multipart(*[text("x")] * 10_000),
    "5 million boundaries": lambda: (
        b"Content-Type: multipart/mixed; boundary=q\r\n\r\n" + b"--q\r\n" * 5_000_000
    ),
    "longer boundaries": lambda: (
        b"Content-Type: multipart/mixed; boundary=q\r\n\r\n" + b"--qx\r\n" * 4_000_000
    ),
    "50,000 deep": lambda: b"".join(
        b"Content-Type: multipart/mixed; boundary=q%d\r\n\r\n--q%d\r\n" % (i, i) for i in range(50_000)
    ),
    "mails in mails": lambda: b"Content-Type: message/rfc822\r\n\r\n" * 500_000 + b"end",
    "a head of 24 MB": lambda: b"X-Long: y\r\n" * 2_400_000,
    "one field of 20 MB": lambda: b"Subject: " + b"z" * 20_000_000 + b"\r\n\r\nx",
    "one field folded": lambda: b"X: y\r\n" + b" y\r\n" * 5_000_000 + b"\r\nbody",
    "many fields folded": lambda: b"".join(b"A%d: x\r\n" % i + b" a\r\n" * 8_000 for i in range(8)) * 100,
    "20,000 encoded words": lambda: b"Subject: " + b"=?utf-8?q?aaa?= " * 20_000 + b"\r\n\r\nx",
    "only <": lambda: b"Content-Type: text/html\r\n\r\n" + b"<" * 20_000_000,
    "only <!": lambda: b"Content-Type: text/html\r\n\r\n" + b"<!" * 9_000_000,
    "only entities": lambda: b"Content-Type: text/html\r\n\r\n" + b"&#1" * 8_000_000,
    "open tags": lambda: b"Content-Type: text/html\r\n\r\n" + b'<a href="' * 2_000_000,
    "open scripts": lambda: b"Content-Type: text/html\r\n\r\n" + b"<script>" * 2_000_000,
    "200 pages": lambda: multipart(*[text("<" * 100_000, "html")] * 200),
    "base64 of nothing": lambda: b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=A!" * 8_000_000,
    "quoted-printable": lambda: b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41" * 8_000_000,
    "parameters": lambda: b"Content-Type: text/plain" + b'; a="b\\' * 3_000 + b"\r\n\r\nx",
    "spaces in parameters": lambda: b"Content-Type: text/plain;" + b" " * 16_000 + b"\r\n\r\nx",
    "quotes in From": lambda: b"From: " + b'"\\' * 8_000 + b"\r\n\r\nx",
    "combining marks": lambda: ("\r\n\r\na" + "\u0301" * 2_000_000).encode(),
    "25 MB of line feeds": lambda: b"\r\n\r\n" + b"\n" * 25_000_000,
    "photographs": lambda: multipart(
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(os.urandom(1_000_000)) * 18
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_mail_takes_long(name: str) -> None:
    """Each of these takes some parser minutes, or all memory."""
    raw = SLOW[name]()
    began = time.process_time()
    read = read_mail(raw)
    subject_of(head_of(raw))
    assert time.process_time() - began < 1.5
    assert isinstance(read, MailRead)


def test_what_is_left_out_is_said() -> None:
    """A human can look at the raw mail, and should know to."""
    assert "parts_left_out" in read_mail(SLOW["10,000 parts"]()).notes
    assert "cut" in read_mail(text("x" * 300_000)).notes


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"=?utf-8?q?h=C3?= =?utf-8?q?=A9llo?=", "héllo"),
        (b"=?utf-8?b?w6k?= =?latin-1?q?=E9?= x", "éé x"),
        (b"=?klingon?q?abc?=", "abc"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=?utf-8?b?!!!?=", ""),
        ("grüße".encode(), "grüße"),
        ("grüße".encode("latin-1"), "grüße"),
        (b"a\r\n b\tc", "a b c"),
        (b"x\x00y\x1b[31m", "x␀y [31m"),
        ("\u202egnp.exe \u2067x".encode(), "gnp.exe x"),
    ],
)
def test_fields_with_encoded_words(value: bytes, said: str) -> None:
    """RFC 2047, and what programs make of it."""
    assert words_of(value) == said


def test_pages_are_never_parsed_but_scanned() -> None:
    """Also what no browser would take for a page."""
    assert text_of_html("1 < 2 and <b") == "1 < 2 and <b"
    assert text_of_html("<!-- never closed <p>words") == "never closed <p>words"
    assert text_of_html("<script>open") == ""
