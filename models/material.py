"""What the files hold that a profile names, as far as a site is compared with it: never a key.

Read by the activity that plans or changes, from the machine that the worker runs on, and never leaving it:
Helm values may be secrets. Its digest is part of what is pinned at the start of a run, so that an exchanged
file stops the run like an edited profile.
"""

from datetime import datetime
from typing import Any

from models.base import Frozen


class CertificateMaterial(Frozen):
    type: str
    signatures: tuple[str, ...]
    """As sysinv signs for certificates: type and serial number; the first is that of the certificate itself,
    authorities stand each for itself."""
    expires: datetime


class Material(Frozen):
    certificates: tuple[CertificateMaterial, ...] = ()
    """Of each declared certificate, in their order."""
    license: str = ""
    """SHA-256 of the declared licence; empty where none is declared."""
    versions: dict[str, str] = {}
    """Of applications whose package is declared as a file, as the package says it."""
    values: dict[str, dict[str, Any]] = {}
    """Helm values by application/namespace/chart."""
    complaints: tuple[str, ...] = ()
    """Files that are missing or cannot be what they are declared as."""
