"""Where an OpenStack is and who we are there."""

from dataclasses import dataclass, field

from activities.http import Trust


@dataclass(frozen=True)
class Account:
    auth_url: str
    username: str
    password: str = field(repr=False)
    project: str
    user_domain: str
    project_domain: str
    region: str
    interface: str
    trust: Trust
    timeout_s: float
