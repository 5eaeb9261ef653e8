"""One SSH session with an installed host: it proves who it is, we log in once, commands run.

asyncssh speaks the wire; nothing of the user's own configuration, agent or keys is taken. The host's key is
the declared one, by itself, by its SHA-256 fingerprint or by a known_hosts file; any other ends the
handshake before a credential is sent. A password is offered once in all: sshd may ask for it in two ways,
and each wrong answer counts towards the lock of the account.

A command is a script of `activities/ssh/host/` for the host's own sh; its arguments are quoted here, and
whatever is secret goes through standard input, for arguments can be read by everybody on the host.
"""

import asyncio
import functools
import shlex
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import TypeVar

import asyncssh

from activities.ssh.errors import Distrusted, NoSession, NotAdmitted, SshTrouble, Unfit

# It would log every command that is run.
asyncssh.set_log_level("WARNING")

Keys = list[asyncssh.SSHKey]
Value = TypeVar("Value")

CONNECT_S = 15.0
LEAVE_S = 2.0
PIECE = 2**20
KEEPALIVE_S = 15.0
"""Between two questions whether the other end is there; three without an answer end the connection."""


@dataclass(frozen=True)
class Target:
    """Whom to talk to, and how it proves itself; with secrets, so it never leaves the process."""

    host: str
    port: int
    username: str
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    host_key: str | None = None
    known_hosts: str | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.username}@{host}:{self.port}"


class _Login(asyncssh.SSHClient):
    """Judges the host's key where a fingerprint is declared, and gives the password once."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.shown = ""
        self._given = False

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = f"{key.get_algorithm()} {key.get_fingerprint('sha256')}"
        wanted = (self.target.host_key or "").rstrip("=")
        return wanted.startswith("SHA256:") and key.get_fingerprint("sha256") == wanted

    def _password(self) -> str | None:
        if self._given:
            return None
        self._given = True
        return self.target.password

    def password_auth_requested(self) -> str | None:
        return self._password()

    def kbdint_auth_requested(self) -> str | None:
        return None if self._given or self.target.password is None else ""

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        if not prompts:
            return []
        password = self._password() if len(prompts) == 1 else None
        return None if password is None else [password]


@dataclass
class Session:
    """Commands on one host, one after the other."""

    target: Target
    timeout_s: float
    connection: asyncssh.SSHClientConnection

    async def run(self, script: str, *arguments: str, given: str = "", within_s: float | None = None) -> str:
        """What the script says. Raises NoSession, and Unfit where it ends otherwise than with 0."""
        words = script_words(script, *arguments)
        code, out, errors = await self.program(words, script, given=given, within_s=within_s)
        if code != 0:
            said = " ".join((errors or out).split())[-400:]
            trouble = f"{self.target}: {script} ended with {code}: {said or 'it said nothing'}"
            raise Unfit(trouble, code)
        return out

    async def program(
        self, words: Sequence[str], name: str, *, given: str = "", within_s: float | None = None
    ) -> tuple[int, str, str]:
        """Exit code, output and errors of one that has ended; `name` is for messages. Raises NoSession."""
        limit_s = within_s or self.timeout_s
        try:
            # Without input asyncssh would leave the other end waiting for some.
            input_ = {"input": given} if given else {"stdin": asyncssh.DEVNULL}
            running = self.connection.run(shlex.join(words), encoding="utf-8", errors="replace", **input_)
            done = await asyncio.wait_for(running, limit_s)
        except TimeoutError as error:
            trouble = f"{self.target}: no answer to {name} within {limit_s:g} s"
            raise NoSession(trouble, maybe_applied=True) from error
        except (asyncssh.Error, OSError) as error:
            raise NoSession(f"{self.target}: {_words(error)}", maybe_applied=True) from error
        if done.exit_status is None or done.exit_status < 0:
            raise NoSession(f"{self.target}: {name} was cut off", maybe_applied=True)
        return done.exit_status, str(done.stdout or ""), str(done.stderr or "")

    def as_root(self, *words: str) -> tuple[list[str], str]:
        """The words of a command of root's, and what it is given to read. A password is asked for although
        sudo remembers it: what is not read by sudo would be by the command."""
        if self.target.password is None:
            return ["sudo", "-n", *words], ""
        return ["sudo", "-k", "-S", "-p", "", *words], f"{self.target.password}\n"

    def script_as_root(self, script: str, *arguments: str) -> tuple[list[str], str]:
        return self.as_root(*script_words(script, *arguments))

    async def stream(
        self, words: Sequence[str], name: str, *, given: str = ""
    ) -> AsyncGenerator[bytes, None]:
        """The output of a program as it comes; whole only where it ends without an error. Raises NoSession,
        where nothing came for as long as an answer may take, too; and Unfit where it ends otherwise than
        with 0."""
        process = await self._begun(words)
        try:
            process.stdin.write(given.encode())
            process.stdin.write_eof()
            while piece := await self._within(process.stdout.read(PIECE), name):
                yield piece
            await self._ended(process, name)
        finally:
            process.close()

    async def feed(self, words: Sequence[str], name: str, *, given: str, source: AsyncIterator[bytes]) -> str:
        """The output of a program that is given `given` and the source, whole or not at all. Raises as
        `stream` does, and what the source raises."""
        process = await self._begun(words)
        try:
            process.stdin.write(given.encode())
            async for piece in source:
                await self._given(process, name, piece)
            await self._given(process, name)
            out = await self._within(process.stdout.read(), name)
            await self._ended(process, name)
            return out.decode(errors="replace")
        finally:
            process.close()

    async def _begun(self, words: Sequence[str]) -> "asyncssh.SSHClientProcess[bytes]":
        try:
            return await self.connection.create_process(shlex.join(words), encoding=None)
        except (asyncssh.Error, OSError) as error:
            raise NoSession(f"{self.target}: {_words(error)}", maybe_applied=True) from error

    async def _given(
        self, process: "asyncssh.SSHClientProcess[bytes]", name: str, piece: bytes = b""
    ) -> None:
        """Or nothing, which is the end. Raises what `_ended` says of one that takes no more."""
        try:
            if piece:
                process.stdin.write(piece)
            else:
                process.stdin.write_eof()
            await asyncio.wait_for(process.stdin.drain(), self.timeout_s)
        except TimeoutError as error:
            trouble = f"{self.target}: {name} takes nothing more for {self.timeout_s:g} s"
            raise NoSession(trouble, maybe_applied=True) from error
        except (asyncssh.Error, OSError) as error:
            await self._ended(process, name)
            raise NoSession(f"{self.target}: {_words(error)}", maybe_applied=True) from error

    async def _ended(self, process: "asyncssh.SSHClientProcess[bytes]", name: str) -> None:
        done = await self._within(process.wait(), name)
        if done.exit_status is None or done.exit_status < 0:
            raise NoSession(f"{self.target}: {name} was cut off", maybe_applied=True)
        if done.exit_status != 0:
            said = _text(done.stderr)
            words = " ".join(said.split())[-400:] or "it said nothing"
            trouble = f"{self.target}: {name} ended with {done.exit_status}: {words}"
            raise Unfit(trouble, done.exit_status)

    async def _within(self, going: Awaitable[Value], name: str) -> Value:
        try:
            return await asyncio.wait_for(going, self.timeout_s)
        except TimeoutError as error:
            trouble = f"{self.target}: no answer to {name} within {self.timeout_s:g} s"
            raise NoSession(trouble, maybe_applied=True) from error
        except (asyncssh.Error, OSError) as error:
            raise NoSession(f"{self.target}: {_words(error)}", maybe_applied=True) from error

    async def put(self, run: str, name: str, content: str) -> None:
        """Writes a file of a run, mode 600. Raises SshTrouble."""
        await self.run("put", run, name, given=content)


@asynccontextmanager
async def session(target: Target, timeout_s: float) -> AsyncIterator[Session]:
    """Logged in. Raises SshTrouble."""
    login = _Login(target)
    try:
        connection = await asyncssh.connect(
            target.host,
            target.port,
            client_factory=lambda: login,
            username=target.username,
            known_hosts=_known(target),
            client_keys=_keys(target) or None,
            agent_path=None,
            config=None,
            gss_host=None,
            preferred_auth=("publickey",) if target.private_key else ("password", "keyboard-interactive"),
            connect_timeout=min(CONNECT_S, timeout_s),
            login_timeout=timeout_s,
            keepalive_interval=KEEPALIVE_S,
        )
    except asyncssh.HostKeyNotVerifiable as error:
        shown = f" ({login.shown})" if login.shown else ""
        words = f"{target} shows another host key than the declared one{shown}: nothing was sent"
        raise Distrusted(words) from error
    except asyncssh.PermissionDenied as error:
        by = "private key" if target.private_key else "password"
        raise NotAdmitted(f"{target} does not accept our {by}: {_words(error)}") from error
    except (asyncssh.ConnectionLost, asyncssh.TimeoutError, OSError, TimeoutError) as error:
        raise NoSession(f"{target}: {_words(error)}", maybe_applied=False) from error
    except asyncssh.DisconnectError as error:
        raise _disconnected(target, error) from error
    try:
        yield Session(target, timeout_s, connection)
    finally:
        await _left(connection)


async def _left(connection: asyncssh.SSHClientConnection) -> None:
    """In order where the other end takes part in that."""
    connection.close()
    try:
        await asyncio.wait_for(connection.wait_closed(), LEAVE_S)
    except TimeoutError:
        connection.abort()


def _disconnected(target: Target, error: asyncssh.DisconnectError) -> SshTrouble:
    words = f"{target}: {_words(error)}"
    if isinstance(error, asyncssh.KeyExchangeFailed | asyncssh.ProtocolError | asyncssh.ProtocolNotSupported):
        return Unfit(words, -1)
    return NoSession(words, maybe_applied=False)


def _known(target: Target) -> str | tuple[Keys, Keys, Keys]:
    """Never "any": with no key that is trusted from the outset, `_Login` decides."""
    if target.known_hosts is not None:
        return target.known_hosts
    if target.host_key is not None and not target.host_key.startswith("SHA256:"):
        return ([asyncssh.import_public_key(target.host_key)], [], [])
    return ([], [], [])


def _keys(target: Target) -> Keys:
    """Raises NotAdmitted where the private key cannot be used."""
    if target.private_key is None:
        return []
    try:
        return [asyncssh.import_private_key(target.private_key, target.passphrase)]
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        # The error's own words may quote the key.
        words = (
            f"{target}: the private key cannot be used: wrong passphrase, or no key in OpenSSH or PEM form"
        )
        raise NotAdmitted(words) from error


@functools.cache
def script_text(name: str) -> str:
    """One of ours for the host's sh."""
    return resources.files("activities.ssh").joinpath("host", f"{name}.sh").read_text()


def script_words(name: str, *arguments: str) -> list[str]:
    """Of the command that runs it."""
    return ["sh", "-c", script_text(name), "starflock", *arguments]


def _text(said: bytes | str | None) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""


def _words(error: Exception) -> str:
    said = error.reason if isinstance(error, asyncssh.DisconnectError) else str(error)
    return " ".join(f"{said or type(error).__name__}".split())
