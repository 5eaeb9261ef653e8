"""Where an Ironic is and who we are there. Equal accounts share one client."""

from dataclasses import dataclass, field

from activities.http import Trust


@dataclass(frozen=True)
class Account:
    url: str
    auth_url: str = ""
    """Keystone v3; empty: HTTP basic, or nobody where there is no user."""
    username: str = ""
    password: str = field(default="", repr=False)
    project: str = ""
    domain: str = ""
    trust: Trust = Trust()
    unverified: bool = False
    timeout_s: float = 60.0
