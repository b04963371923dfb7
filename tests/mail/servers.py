"""Mail servers of others, as they are on good days and bad: each step can be told what to do."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Server:
    """A server that takes mail, unless a step was told to answer otherwise.

    Shape: says maps a step (connect, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, end, QUIT) to its answer; `drop`
           (the connection) and `silence` are no answers. mails are (sender, recipient, bytes).
    """

    says: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    extensions: tuple[str, ...] = ("SMTPUTF8", "8BITMIME")
    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            return
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer(writer, "connect", "220 mx.example ESMTP")
        sender = recipient = ""
        secure = False
        while line := (await reader.readline()).decode("utf-8", "surrogateescape").strip():
            verb = line.split(" ", 1)[0].upper()
            self.commands.append(line)
            if verb == "EHLO":
                offered = [*self.extensions, *(["STARTTLS"] if self.tls and not secure else [])]
                lines = ["mx.example", *offered]
                await self._answer(
                    writer, "EHLO", "\r\n".join([*(f"250-{x}" for x in lines[:-1]), f"250 {lines[-1]}"])
                )
            elif verb == "STARTTLS" and self.tls is not None:
                await self._answer(writer, "STARTTLS", "220 go")
                await writer.start_tls(self.tls)
                secure = True
            elif verb == "MAIL":
                sender = line
                await self._answer(writer, "MAIL", "250 ok")
            elif verb == "RCPT":
                recipient = line
                await self._answer(writer, "RCPT", "250 ok")
            elif verb == "DATA":
                await self._answer(writer, "DATA", "354 go")
                body = await reader.readuntil(b"\r\n.\r\n")
                self.encrypted.append(secure)
                self.mails.append((sender, recipient, _undoubled(body)))
                await self._answer(writer, "end", "250 taken")
            else:
                await self._answer(writer, verb, {"QUIT": "221 bye", "AUTH": "235 in"}.get(verb, "250 ok"))

    async def _answer(self, writer: asyncio.StreamWriter, step: str, usual: str) -> None:
        said = self.says.get(step, usual)
        if said == "drop":
            writer.transport.abort()
            raise ConnectionError
        if said == "silence":
            await asyncio.Event().wait()
        writer.write(said.encode("latin-1") + b"\r\n")
        await writer.drain()


def _undoubled(body: bytes) -> bytes:
    """The mail as it was before its dots were doubled for the wire."""
    return (b"\r\n" + body.removesuffix(b".\r\n")).replace(b"\r\n.", b"\r\n")[2:]


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    """The server on a free port."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
