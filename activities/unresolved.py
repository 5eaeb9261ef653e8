"""What a secret that could not be had comes to, by whether asking again may help."""

from activities.errors import ActivityFailure, Refused, Transient
from inventory.secrets import SecretAway, SecretError


def unresolved(error: SecretError, of: str = "") -> ActivityFailure:
    """To raise. Where the secret is kept does not answer: retried; all else is refused. `of` says whose it
    is."""
    kind = Transient if isinstance(error, SecretAway) else Refused
    return kind(f"{of}: {error}" if of else str(error))
