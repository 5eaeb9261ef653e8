"""Who may do what at one BMC: accounts, roles, sessions, and the lock-out of those who guess.

Sessions are limited (eight, as on the iDRAC) and end when nobody uses them for half an hour. Five wrong
passwords in a row lock an account for five minutes of simulated time; the built-in account can be locked too,
as it can be on real BMCs. Passwords of ten thousand BMCs are compared as they are: this is a simulator.
"""

import base64
import binascii
import secrets
import time
from dataclasses import dataclass, field

from simulator.cloud.clock import Clock

ROLES: dict[str, tuple[str, ...]] = {
    "Administrator": (
        "Login",
        "ConfigureManager",
        "ConfigureUsers",
        "ConfigureComponents",
        "ConfigureSelf",
    ),
    "Operator": ("Login", "ConfigureComponents", "ConfigureSelf"),
    "ReadOnly": ("Login", "ConfigureSelf"),
}
MOST_ACCOUNTS = 10
PASSWORD_LENGTH = (8, 40)
LOCKOUT_AFTER = 5
LOCKOUT_S = 300.0
SESSION_TIMEOUT_S = 1800


@dataclass(slots=True)
class Account:
    """One user."""

    id: str
    name: str
    password: str
    role: str = "Administrator"
    enabled: bool = True
    must_change: bool = False
    failures: int = 0
    locked_until: float = float("-inf")
    """Simulated."""

    @property
    def privileges(self) -> tuple[str, ...]:
        return ROLES[self.role]


@dataclass(slots=True)
class Session:
    """One login; the id is shown, the token is not."""

    id: str
    account: Account
    token: str
    used: float
    foreign: bool = False
    """Opened by somebody of whom only a fault knows."""


@dataclass(slots=True)
class Keeper:
    """Accounts and sessions of one BMC."""

    clock: Clock
    limit: int
    accounts: list[Account]
    sessions: dict[str, Session] = field(default_factory=dict)
    """By token."""
    timeout_s: int = SESSION_TIMEOUT_S
    failed_logins: int = 0
    """All wrong passwords so far."""
    _next: int = 1

    def account(self, ref: str) -> Account | None:
        return next((one for one in self.accounts if one.id == ref), None)

    def check(self, name: object, password: object) -> Account | None:
        """The account that these credentials open; a wrong password counts."""
        account = next((one for one in self.accounts if one.name == name), None)
        now = self.clock.now()
        if account is None or not account.enabled:
            self.failed_logins += 1
            return None
        if account.locked_until > now:
            return None
        if account.password != password:
            self.failed_logins += 1
            account.failures += 1
            if account.failures >= LOCKOUT_AFTER:
                account.failures, account.locked_until = 0, now + LOCKOUT_S
            return None
        account.failures = 0
        return account

    def basic(self, header: str) -> Account | None:
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self.check(name, password)

    def open(self, account: Account, foreign: bool = False) -> Session | None:
        """None when there are too many already."""
        self._expire()
        if len(self.sessions) >= self.limit:
            return None
        session = Session(str(self._next), account, secrets.token_hex(16), time.monotonic(), foreign)
        self._next += 1
        self.sessions[session.token] = session
        return session

    def use(self, token: str) -> Session | None:
        self._expire()
        session = self.sessions.get(token)
        if session is not None:
            session.used = time.monotonic()
        return session

    def by_id(self, ref: str) -> Session | None:
        self._expire()
        return next((one for one in self.sessions.values() if one.id == ref), None)

    def close(self, session: Session) -> None:
        self.sessions.pop(session.token, None)

    def occupy(self) -> None:
        """Others take all sessions that are left."""
        while self.open(self.accounts[0], foreign=True) is not None:
            continue

    def vacate(self) -> None:
        self.sessions = {token: one for token, one in self.sessions.items() if not one.foreign}

    def add(self, name: str, password: str, role: str) -> Account:
        taken = {account.id for account in self.accounts}
        free = next(str(number) for number in range(1, MOST_ACCOUNTS + 2) if str(number) not in taken)
        account = Account(free, name, password, role)
        self.accounts.append(account)
        return account

    def remove(self, account: Account) -> None:
        self.accounts.remove(account)
        self.sessions = {token: one for token, one in self.sessions.items() if one.account is not account}

    def _expire(self) -> None:
        oldest = time.monotonic() - self.timeout_s
        for token in [token for token, one in self.sessions.items() if one.used < oldest]:
            del self.sessions[token]
