"""A log file that cannot fill the disk: what a role prints, one event per line, the newest few megabytes.

Nothing a role prints may stop anything: a full disk loses log lines, not the role.
"""

from pathlib import Path
from typing import BinaryIO, Final

BYTES_MAX: Final = 10_000_000
"""Then the file becomes NAME.log.1, the one before is dropped: at most 20 MB for each role."""

LINE_MAX: Final = 16_000
"""A line longer than this is cut: a traceback line is never that long, a dumped object may be."""


class LogFile:
    """Appends whole lines to NAME.log in a folder.

    Shape: write() takes bytes as they come from a pipe; a line is written once it is complete.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.last_line = ""
        self._path = folder / f"{name}.log"
        self._rest = b""
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, data: bytes) -> list[str]:
        """Add what was printed; the lines that became complete, as text."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_MAX:
            whole.append(self._rest)
            self._rest = b""
        lines = [line[:LINE_MAX] for line in whole]
        self._append(b"".join(line + b"\n" for line in lines))
        texts = [line.decode(errors="replace") for line in lines]
        self.last_line = next((text for text in reversed(texts) if text.strip()), self.last_line)
        return texts

    def close(self) -> None:
        """Write what is left of an unfinished line, and let go of the file."""
        if self._rest:
            self.write(b"\n")
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, data: bytes) -> None:
        if not data:
            return
        try:
            if self._file is not None and self._size + len(data) > BYTES_MAX:
                self._file.close()
                self._file = None
                self._path.replace(self._path.with_suffix(".log.1"))
            if self._file is None:
                self._file = self._path.open("ab", buffering=0)
                self._size = self._file.tell()
            self._size += self._file.write(data)
        except OSError:
            return  # No room or no right: the role matters more than its log.
