"""The sign-ins of a demo centre, kept in a file so that demo agents can use them; never written elsewhere.

`muster up --demo` leaves the one-time passwords here; a demo agent replaces its own by one that it made up. A
real centre has no such file: passwords are known to people only.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FILE: Final = "demo-sign-ins.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How one person of a demo centre signs in."""

    agent_id: str
    name: str
    role: str
    password: str


def keep_sign_ins(data_dir: Path, sign_ins: Mapping[str, SignIn]) -> Path:
    """Add these sign-ins, by agent_id, to the file of this demo; only its owner may read it."""
    path = data_dir / FILE
    kept = {**read_sign_ins(data_dir), **sign_ins}
    text = json.dumps([asdict(sign_in) for sign_in in kept.values()], ensure_ascii=False, indent=1)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    fresh.replace(path)
    return path


def read_sign_ins(data_dir: Path) -> dict[str, SignIn]:
    """The sign-ins kept here, by agent_id; empty where there is no demo."""
    path = data_dir / FILE
    if not path.is_file():
        return {}
    return {each["agent_id"]: SignIn(**each) for each in json.loads(path.read_text(encoding="utf-8"))}
