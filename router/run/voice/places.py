"""Where the voice process is found: its socket, and what ports.json says of it."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Final

from router.run.redis_server import SOCKET_PATH_MAX

SOCKET: Final = "voice.sock"


def socket_path(data_dir: Path) -> Path:
    """The socket of the door, in a folder that is only ours; elsewhere where the path would be too long.

    The same each time, so that a process that was started anew is found where the one before was.
    """
    folder = data_dir / "run"
    if len(bytes(folder / SOCKET)) > SOCKET_PATH_MAX:
        name = hashlib.sha256(bytes(data_dir)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"muster-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    folder.chmod(0o700)
    return folder / SOCKET


def note_ports(data_dir: Path, *, voice: Path, sip_port: int, host: str = "") -> None:
    """Add where this process is found to ports.json, which others may have written before."""
    path = data_dir / "ports.json"
    try:
        listeners = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        listeners = {}
    listeners |= listeners_of(voice=voice, host=host, sip_port=sip_port)
    fresh = path.with_suffix(".voice")
    fresh.write_text(json.dumps(listeners, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)


def listeners_of(*, voice: Path, host: str, sip_port: int) -> dict[str, dict[str, object]]:
    """The entries of ports.json."""
    found: dict[str, dict[str, object]] = {"voice": {"path": str(voice)}}
    if sip_port:
        found["sip"] = {"host": host, "port": sip_port}
    return found
