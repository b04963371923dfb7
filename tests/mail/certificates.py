"""Certificates for tests, made by openssl when they are needed."""

import subprocess
from pathlib import Path


def certificate(folder: Path, host: str = "localhost") -> tuple[str, str]:
    """(certificate, key) of a server that signs for itself."""
    paths = folder / f"{host}.crt", folder / f"{host}.key"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"),
            *("-out", str(paths[0]), "-keyout", str(paths[1])),
        ],
        check=True,
        capture_output=True,
    )
    return str(paths[0]), str(paths[1])
