"""From whom sound is taken: one source, never whoever happens to find the port.

Somebody who sprays packets over a machine's ports would else be heard, and, worse, be sent the conversation.
"""

Source = tuple[str, int]


class SourceGate:
    """Lets one source in. `latch`: the first one that comes is it, wherever it is, and never another.

    Without: only from the signalled address. Its port is the signalled one, or, while that is silent, the
    first other one of the same address: some gateways send from elsewhere than they listen.
    """

    def __init__(self, *, latch: bool) -> None:
        self._latch = latch
        self._signalled: Source | None = None
        self._source: Source | None = None

    def signal(self, address: str, port: int) -> None:
        """What their description says. The same again changes nothing."""
        if (address, port) == self._signalled:
            return
        self._signalled = (address, port)
        if not self._latch:
            self._source = None

    def admits(self, source: Source) -> bool:
        """Whether this is who we talk to."""
        if source == self._source:
            return True
        if self._signalled is None:
            return False
        if self._latch:
            if self._source is None:
                self._source = source
            return source == self._source
        if source[0] != self._signalled[0]:
            return False
        if self._source is None or source == self._signalled:
            self._source = source
        return source == self._source

    def admits_address(self, address: str) -> bool:
        """The same without regard to the port: their RTCP has another."""
        known = self._source or (None if self._latch else self._signalled)
        return known is not None and known[0] == address

    @property
    def target(self) -> Source | None:
        """Where to send: to the signalled address, or to who was latched. None: not known yet."""
        return self._source if self._latch and self._source is not None else self._signalled
