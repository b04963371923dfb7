"""What kind of mail it is, and whether somebody vouches for its sender. From its head alone. Pure.

Programs that write mail say so (RFC 3834, RFC 2919, RFC 3464), and whoever is not a program has no reason to
claim it. DMARC is judged by the mail server in front of us, which sees the connection and asks the DNS; we
believe its Authentication-Results (RFC 8601) and nobody else's.
"""

import re
from typing import Final

from router.channels.mail_head import Head, message_id_of_head, sender_of
from router.channels.mail_token import SENT, TokenKey

PERSON: Final = "person"
UNAUTHENTIC: Final = "unauthentic"
"""A trusted server says that DMARC fails: the sender is somebody else, or its domain is set up wrongly."""
AUTOMATIC: Final = "automatic"
BULK: Final = "bulk"
LIST: Final = "list"
AUTO_REPLY: Final = "auto-reply"
BOUNCE: Final = "bounce"
LOOP: Final = "loop"
KINDS: Final = (PERSON, UNAUTHENTIC, AUTOMATIC, BULK, LIST, AUTO_REPLY, BOUNCE, LOOP)

UNLINKED: Final = (BULK, LIST, BOUNCE, LOOP)
"""Kinds whose sender is no person to be known by."""

TRACE: Final = "x-muster-received"
"""Our own line at the top of what is kept: who handed the mail over (upstream or direct). Below the first
three fields anybody could have written it."""

UPSTREAM: Final = "upstream"
DIRECT: Final = "direct"
CUT: Final = "cut="
"""Behind a semicolon there: the size of a mail of which only the beginning was taken."""

HOPS_MAX: Final = 50
"""Servers on the way: ordinary mail has below ten. RFC 5321 §6.3 lets a loop have a hundred."""

_RESULT: Final = re.compile(r"(?:^|;)\s*(dmarc|dkim)\s*=\s*([a-z]{1,20})([^;]*)")
_PROPERTY: Final = re.compile(r"\bheader\.(from|d|i)\s*=\s*\"?([^\s;\"()]{1,255})")
_DMARC: Final = re.compile(r"dmarc\s*=")
_RESULTS_LOOKED_AT: Final = 20

PASS: Final = "pass"
FAIL: Final = "fail"
NONE: Final = ""


def kind_of(head: Head, *, verdict: str = NONE, key: TokenKey | None = None, own: str = "") -> str:
    """What kind of mail this is. key and own are those of its account; verdict is from verdict_of."""
    if _is_loop(head, key, own):
        return LOOP
    told = _told_by_program(head)
    if told:
        return told
    return UNAUTHENTIC if verdict == FAIL else PERSON


def verdict_of(head: Head, trusted_authserv: str) -> str:
    """PASS or FAIL as the trusted server says about the domain of the From field; NONE when it does not.

    Only the topmost results of that server count: it puts its own above whatever the sender wrote. And only
    when that server itself handed the mail to us.
    """
    domain = _ascii(sender_of(head).domain)
    if not trusted_authserv or _trace(head) != UPSTREAM:
        return NONE
    for value in head.every("authentication-results")[:_RESULTS_LOOKED_AT]:
        text = value[:4_096].decode("utf-8", "replace").lower()
        server, _, results = _said(text).partition(";")
        if server.split()[:1] == [trusted_authserv.lower()]:
            verdict = _verdict(results, domain)
            # Some servers let the sender's words out of their comments: then two results stand there.
            return NONE if verdict == PASS and len(_DMARC.findall(text)) > 1 else verdict
    return NONE


def return_path_of(head: Head) -> str | None:
    """The sender of the envelope, as we wrote it down: empty for a bounce; None when we did not."""
    if not head.fields or head.fields[0][0] != "return-path":
        return None
    return head.fields[0][1].decode("utf-8", "replace").strip(" <>")


def delivered_to(head: Head) -> str:
    """Those of our addresses it was sent to, as we wrote them down."""
    found = next((value for name, value in head.fields[:3] if name == "delivered-to"), b"")
    return found.decode("utf-8", "replace")


def is_cut(head: Head) -> bool:
    """Whether only the beginning of this mail was taken, as we wrote down."""
    return _received(head).partition(";")[2].strip().startswith(CUT)


def _trace(head: Head) -> str:
    return _received(head).partition(";")[0]


def _received(head: Head) -> str:
    return next(
        (value.decode("utf-8", "replace") for name, value in head.fields[:3] if name == TRACE), DIRECT
    )


def _said(text: str) -> str:
    """What the server itself says: no comments, and of quoted words nothing that could end them.

    Both may be the sender's: `smtp.mailfrom="x; dmarc=pass header.from=bank.example"@evil.example`.
    """
    said: list[str] = []
    depth, quoted, escaped = 0, False, False
    for sign in text:
        if escaped:
            escaped = False
        elif sign == "\\" and (depth or quoted):
            escaped = True
        elif sign == '"' and not depth:
            quoted = not quoted
        elif sign in "()" and not quoted:
            depth = max(0, depth + (1 if sign == "(" else -1))
            said.append(" ")
        elif not depth and not (quoted and sign in "; \t="):
            said.append(sign)
    return "" if depth or quoted else "".join(said)


def _verdict(results: str, domain: str) -> str:
    """DMARC as it is reported; else a DKIM signature by exactly the domain of the From field."""
    verdict = NONE
    for method, result, rest in _RESULT.findall(results):
        named = {name: _ascii(value.rpartition("@")[2]) for name, value in _PROPERTY.findall(rest)}
        if method == "dmarc":
            if result == "fail" or named.get("from", domain) != domain or not domain:
                return FAIL if result in ("fail", "pass") else verdict
            return PASS if result == "pass" else verdict
        signer = named.get("d") or named.get("i")
        if result == "pass" and domain and signer == domain:
            verdict = PASS
    return verdict


def _ascii(domain: str) -> str:
    """The one spelling of a domain that has two (münchen.example, xn--mnchen-3ya.example)."""
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain


def _is_loop(head: Head, key: TokenKey | None, own: str) -> bool:
    if len(head.every("received")) > HOPS_MAX:
        return True
    if own and any(own.lower() in value.decode("utf-8", "replace").lower() for value in head.every("x-loop")):
        return True
    return key is not None and bool(key.first_ref(SENT, [message_id_of_head(head)]))


def _told_by_program(head: Head) -> str:
    """What a program says that it is; empty where none says anything."""
    automatic = _token(head, "auto-submitted")
    precedence = _token(head, "precedence")
    null_sender = return_path_of(head) == ""
    report = head.first("content-type")[:200].lower().replace(b" ", b"")
    if report.startswith(b"multipart/report") and b"disposition-notification" not in report:
        return BOUNCE
    if automatic == "auto-replied" or precedence == "auto_reply" or head.has("x-autoreply", "x-autorespond"):
        return BOUNCE if null_sender and _is_daemon(head) else AUTO_REPLY
    if null_sender and _is_daemon(head):
        return BOUNCE
    if null_sender and head.has("in-reply-to", "references"):
        return AUTO_REPLY
    if head.has("list-id", "list-post", "mailing-list") or precedence == "list":
        return LIST
    if precedence in ("bulk", "junk") or head.has("list-unsubscribe", "feedback-id") or _is_spam(head):
        return BULK
    # Panels and forms send with no sender as well, and answer nothing: what they say is not what we said.
    return AUTOMATIC if null_sender or automatic not in ("", "no") else ""


def _is_daemon(head: Head) -> bool:
    return sender_of(head).address.partition("@")[0] in ("mailer-daemon", "postmaster", "mail-daemon")


def _is_spam(head: Head) -> bool:
    return _token(head, "x-spam-flag") == "yes" or _token(head, "x-spam") == "yes"


def _token(head: Head, name: str) -> str:
    words = re.split(r"[\s;(]", head.first(name)[:200].decode("utf-8", "replace").strip().lower(), maxsplit=1)
    return words[0]
