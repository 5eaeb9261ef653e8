"""Keys for payloads, as an operator declares them."""

import base64
import os
from pathlib import Path


def declared(folder: Path, *names: str) -> str:
    """A new key in a closed file for each name that has none yet; the setting that lists them."""
    for name in names:
        path = folder / f"payload-{name}"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(base64.b64encode(os.urandom(32)).decode())
    return ",".join(f"{name}=file:{folder / f'payload-{name}'}" for name in names)
