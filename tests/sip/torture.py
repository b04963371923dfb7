# ruff: noqa: E501 - a table: one broken message a line
"""Messages that torture a parser, after RFC 4475: written for this project, each with what must come of it.

Shape: `becomes` is "rings" (a call that waits), "lost" (handed up as a call that could not be answered),
       "nothing" (no call); status is our final response, 0 where there is none.
"""

from dataclasses import dataclass

SDP = (
    "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
    "m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n"
)


@dataclass(frozen=True)
class Torture:
    """One message and what becomes of it."""

    name: str
    text: str
    becomes: str = "rings"
    status: int = 0
    number: str = ""


def _invite(
    name: str,
    *,
    line: str = "INVITE sip:112@10.0.0.1 SIP/2.0",
    sender: str = "From: <sip:+15550100@192.0.2.1>;tag=a1",
    recipient: str = "To: <sip:112@10.0.0.1>",
    via: str = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-{name}",
    call: str = "Call-ID: {name}@192.0.2.1",
    cseq: str = "CSeq: 7 INVITE",
    contact: str = "Contact: <sip:caller@192.0.2.1>",
    more: tuple[str, ...] = (),
    length: str = "Content-Length: {length}",
    body: str = SDP,
    **expected: object,
) -> Torture:
    lines = [line, via, sender, recipient, call, cseq, contact, "Max-Forwards: 70", *more]
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(length)
    head = "\r\n".join(each.format(name=name, length=len(body)) for each in lines if each)
    return Torture(name=name, text=f"{head}\r\n\r\n{body}", **expected)  # type: ignore[arg-type]


EVERY = (
    Torture(
        "white space wherever it may be",
        "INVITE sip:112@10.0.0.1;unknownparam SIP/2.0\r\n"
        "TO :\r\n sip:112@10.0.0.1\r\n"
        'from   : "J Rosenberg \\\\\\""       <sip:+15550101@192.0.2.1>\r\n  ;\r\n  tag = 98asjd8\r\n'
        "MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\nContent-Length   : 150\r\n"
        "cseq: 0009\r\n  INVITE\r\nVia  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
        "s :\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nContent-Type: application/sdp\r\n"
        "Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
        "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
        " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
        'm:"Quoted string \\"\\"" <sip:jdrosen@192.0.2.1> ; newparam =\r\n      newvalue ;\r\n'
        "  secondparam ; q = 0.33\r\n\r\n" + (SDP + "a=x\r\n" * 30)[:150],
        number="+15550101",
    ),
    _invite("bytes above 127 in a name", sender='From: "Gün​ther 🆘" <sip:+15550102@192.0.2.1>;tag=a', number="+15550102"),
    _invite("percents in users", sender="From: <sip:sips%3Auser%40example.com@example.net>;tag=938"),
    _invite("a zero in a user", sender="From: <sip:null-%00-null@example.com>;tag=839923423"),
    _invite("no space before the address", sender="From: caller<sip:+15550103@192.0.2.1>;tag=323", number="+15550103"),
    _invite("a header of eight thousand signs", more=(f"Unknown-{'long' * 10}: {'value ' * 1_300}",)),
    _invite("two hundred Vias", more=("Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK1",) * 200),
    _invite("semicolons in the user", line="INVITE sip:user;par=u%40example.net@10.0.0.1 SIP/2.0"),
    _invite("transports nobody knows", more=("Via: SIP/2.0/UNKNOWN t5.example.com;branch=z9hG4bK5",)),
    _invite("a place beside the session", body="", length="Content-Type: multipart/mixed;boundary=unique-boundary-1\r\n\r\n"
        "--unique-boundary-1\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n"
        f"--unique-boundary-1\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--unique-boundary-1--"),
    _invite("extra semicolons", via="Via: SIP/2.0/UDP 192.0.2.15;;,;,,;branch=z9hG4bKx", sender='From: "Sue" <sip:+15550104@192.0.2.1>;;;;tag=9;x', number="+15550104"),
    _invite("shorter than it says", length="Content-Length: 9999"),
    _invite("a negative length", length="Content-Length: -999"),
    _invite("a length that is no number", length="Content-Length: many"),
    _invite("longer than it says", body=SDP, length="Content-Length: 4"),
    _invite("numbers beyond every limit", cseq="CSeq: 36893488147419103232 INVITE", becomes="lost", status=400),
    _invite("a quote that never ends", recipient='To: "Mr. J. User <sip:112@10.0.0.1>', number="+15550100"),
    _invite("angles around the request address", line="INVITE <sip:112@10.0.0.1> SIP/2.0"),
    _invite("white space in the request address", line="INVITE sip:112@10.0.0.1; lr SIP/2.0"),
    _invite("white space around the request address", line="INVITE  sip:112@10.0.0.1  SIP/2.0"),
    _invite("white space after the version", line="INVITE sip:112@10.0.0.1 SIP/2.0  "),
    _invite("headers in the request address", line="INVITE sip:112@10.0.0.1?Route=%3Csip:example.com%3E SIP/2.0"),
    _invite("a date in no time zone", more=("Date: Fri, 01 Jan 2010 16:00:00 EST",)),
    _invite("headers in the contact", contact="Contact: sip:caller@192.0.2.1?Route=%3Csip:sip.example.com%3E"),
    _invite("an address with a space", recipient='To: "Watson, Thomas" < sip:t.watson@10.0.0.1 >'),
    _invite("a name without quotes", sender="From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43"),
    _invite("a version from the future", line="INVITE sip:112@10.0.0.1 SIP/7.0", becomes="lost", status=505),
    _invite("a CSeq of another method", cseq="CSeq: 8 OPTIONS", becomes="lost", status=400),
    _invite("a branch that is only a cookie", via="Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"),
    _invite("no branch at all", via="Via: SIP/2.0/UDP 192.0.2.1:5060"),
    _invite("no Call-ID", call="", becomes="lost", status=400),
    _invite("no From", sender="", becomes="lost", status=400),
    _invite("no To", recipient="", becomes="lost", status=400),
    _invite("no CSeq", cseq="", becomes="lost", status=400),
    _invite("no Via", via=""),
    _invite("no Contact", contact=""),
    _invite("a Contact that is a star", contact="Contact: *"),
    _invite("a From without a tag, as before RFC 3261", sender="From: <sip:+15550105@192.0.2.1>", number="+15550105"),
    _invite("a scheme nobody knows", line="INVITE nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"),
    _invite("schemes nobody knows in To and From", sender="From: <http://www.example.com>;tag=3", recipient="To: <isbn:2983792873>"),
    _invite("an emergency service", line="INVITE urn:service:sos.fire SIP/2.0", recipient="To: <urn:service:sos.fire>"),
    _invite("a telephone number", line="INVITE tel:112 SIP/2.0", sender="From: <tel:+1-555-(010)-6>;tag=1", number="+15550106"),
    _invite("a Require that nobody knows", more=("Require: nothingSupportsThis", "Require: norThis"), becomes="later", status=420),
    _invite("a body that is packed", more=("Content-Encoding: deflate",), becomes="later", status=415),
    _invite("a body of no kind that we know", body="", length="Content-Type: application/unknownformat\r\n\r\n<audio/>"),
    _invite("two of everything", more=("CSeq: 8 INVITE", "Call-ID: other", "To: <sip:x@y>", "From: <sip:z@y>;tag=z")),
    _invite("two lengths that differ", more=("Content-Length: 5",)),
    _invite("no forwards left", more=("Max-Forwards: 0",)),
    _invite("a line without a name", more=("this is no header at all", ": nor is this")),
    _invite("bare line feeds", number="+15550100"),
    _invite("no session at all", body=""),
    _invite("a NUL in a header", more=("Subject: a\0b",)),
    Torture("only a start line", "INVITE sip:112@10.0.0.1 SIP/2.0\r\n\r\n", "lost", 400),
    Torture("half a start line", "INVITE sip:112@10.0", "nothing"),
    Torture("a response with a status beyond every limit", "SIP/2.0 4294967301 better not\r\nCSeq: 1 INVITE\r\n\r\n", "nothing"),
    Torture("a response to nobody", "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK\r\nCSeq: 1 INVITE\r\n\r\n", "nothing"),
    Torture("hello", "HELP\r\n\r\n", "nothing"),
    Torture("nothing", "\r\n\r\n", "nothing"),
)  # fmt: skip


def bytes_of(torture: Torture) -> bytes:
    """The datagram."""
    text = torture.text.replace("\r\n", "\n") if torture.name == "bare line feeds" else torture.text
    return text.encode()
