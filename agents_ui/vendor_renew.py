"""Check the vendored browser modules against their manifest, or fetch them anew from the npm registry.

`python -m agents_ui.vendor_renew` checks; `… renew` fetches every package at the version in the manifest with
`npm pack` and writes files and hashes. Which registry npm asks is npm's own setting. Serving the files is
static_files.py's business.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

VENDOR = Path(__file__).with_name("static") / "vendor"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFile:
    """One file taken unchanged from a package.

    Shape: source is the path inside the package's archive, file the name in vendor/, sha256 hexadecimal.
    """

    package: str
    version: str
    licence: str
    source: str
    file: str
    sha256: str


def read_manifest(folder: Path = VENDOR) -> list[VendorFile]:
    """Every vendored file, in the manifest's order."""
    return [VendorFile(**entry) for entry in json.loads((folder / MANIFEST).read_text())["files"]]


def differences(folder: Path = VENDOR) -> list[str]:
    """What does not agree with the manifest, one sentence each; empty when all is well."""
    listed = {entry.file: entry.sha256 for entry in read_manifest(folder)}
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    found = [f"{name} is not in {MANIFEST}" for name in sorted(present - set(listed))]
    for name, sha256 in listed.items():
        if name not in present:
            found.append(f"{name} is missing")
        elif _sha256((folder / name).read_bytes()) != sha256:
            found.append(f"{name} is not the file its hash was taken of")
    return found


def renew(folder: Path = VENDOR) -> None:
    """Fetch every package of the manifest and write its files and hashes."""
    renewed = []
    with tempfile.TemporaryDirectory() as work:
        archives: dict[str, Path] = {}
        for entry in read_manifest(folder):
            name = f"{entry.package}@{entry.version}"
            if name not in archives:
                archives[name] = _fetch(name, Path(work))
            content = _member(archives[name], entry.source)
            (folder / entry.file).write_bytes(content)
            renewed.append(replace(entry, sha256=_sha256(content)))
    text = json.dumps({"files": [asdict(entry) for entry in renewed]}, indent=2)
    (folder / MANIFEST).write_text(text + "\n")


def main(arguments: Sequence[str]) -> int:
    """The command: returns 0 when the files are as the manifest says."""
    if list(arguments) == ["renew"]:
        renew()
    found = differences()
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print(f"{len(read_manifest())} vendored files are as {MANIFEST} says")
    return 1 if found else 0


def _fetch(name: str, work: Path) -> Path:
    """The package's archive, in `work`. --ignore-scripts: nothing of the package may run here."""
    command = ["npm", "pack", "--silent", "--ignore-scripts", name]
    done = subprocess.run(command, cwd=work, check=True, capture_output=True, text=True)
    return work / done.stdout.strip().splitlines()[-1]


def _member(archive: Path, source: str) -> bytes:
    with tarfile.open(archive) as opened:
        member = opened.extractfile(source)
        if member is None:
            raise FileNotFoundError(f"{source} is not a file in {archive.name}")
        return member.read()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
