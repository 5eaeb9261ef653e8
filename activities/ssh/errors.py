"""What goes wrong between us and an installed host, and what it means to us.

    SshTrouble
    |- NoSession       nobody answers, or the connection went; `maybe_applied` where a command was sent
    |- Distrusted      the host that answers is not the declared one
    |- NotAdmitted     it does not accept our credential
    `- Unfit           a command could not do its work

| trouble                                        | class       | evidence                                  |
|------------------------------------------------|-------------|-------------------------------------------|
| refused, no route, timed out, closed before or | Transient   | a host that boots, a network that the     |
| after the login                                |             | playbook itself sets up                   |
| connection lost while a command ran            | (looked at) | the command may have worked: the next     |
|                                                |             | look decides                              |
| host key is not the declared one               | Refused     | another machine, or one in between        |
| no common algorithm, no SSH                    | Refused     | something else answers there              |
| permission denied                              | Refused     | tried once: StarlingX locks sysadmin      |
|                                                |             | after five wrong passwords (pam_faillock) |
| "password has expired", "change required"      | Blocked     | the first login to a fresh installation   |
|                                                |             | changes sysadmin's password (sshd, PAM)   |
| disk full, read-only file system               | Blocked     | a person has to make room                 |
| a command ended otherwise                      | Refused     | its own words say why                     |
"""

import re

from activities.errors import ActivityFailure, Blocked, Refused, Transient

PASSWORD_DUE = re.compile(r"password (has expired|change required)|must change your password", re.I)
NO_ROOM = re.compile(r"no space left|read-only file system|disk quota exceeded", re.I)


class SshTrouble(Exception):
    """The message names user, host and port, and what was said there."""


class NoSession(SshTrouble):
    def __init__(self, words: str, *, maybe_applied: bool) -> None:
        super().__init__(words)
        self.maybe_applied = maybe_applied


class Distrusted(SshTrouble):
    pass


class NotAdmitted(SshTrouble):
    pass


class Unfit(SshTrouble):
    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.code = code


def failure(error: SshTrouble) -> ActivityFailure:
    """The class of what went wrong, for commands that were not carried out or change nothing."""
    words = str(error)
    if isinstance(error, NoSession):
        return Transient(words)
    if PASSWORD_DUE.search(words):
        return Blocked(f"{words}: log in once and give the user its password, then start again")
    if isinstance(error, NotAdmitted):
        return Refused(f"{words}; tried once")
    if isinstance(error, Unfit) and NO_ROOM.search(words):
        return Blocked(words)
    return Refused(words)
