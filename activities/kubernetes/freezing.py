"""A guest's file systems are frozen by its agent, through libvirt in a pod of its compute, and always thawed.

StarlingX's OpenStack runs libvirt as openstack-helm's chart does: a DaemonSet in the namespace `openstack`,
labels `application=libvirt,component=libvirt`, container `libvirt`, started by bash (openstack-helm,
libvirt/templates/daemonset-libvirt.yaml and bin/_libvirt.sh.tpl). A domain has the UUID of its server. `virsh
domfsfreeze` asks the agent in the guest (QEMU guest agent, guest-fsfreeze-freeze), which runs the hooks that
the guest has for it.

One exec is a dead man's switch. The program in the pod freezes, says so, and waits for a line: it thaws when
one comes, when its input ends (whoever froze has gone), when time is up, and when it is told to end. An agent
that does not answer is not asked to freeze: it might do so after we have left. A guest that is found frozen
by us, since a pod died with such a program in it, is thawed first: a file in /run, which the chart mounts
from the host, is our mark of it. One that somebody else has frozen is left alone, and told. What the program
says:

    refused WORDS       it was not frozen, or not for certain; what follows says how it is now
    frozen N            so many file systems
    thawed N WHY        N of them by us: asked, lost, late, ended; none: somebody else had thawed them
    left WORDS          it is frozen by somebody else, or nobody could see that it is thawed, for minutes
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from activities.errors import Transient
from activities.guests import NotFrozen
from activities.http import NoAnswer, Rejected
from activities.kubernetes.clusters import Clusters
from activities.kubernetes.errors import failure
from activities.kubernetes.execution import Conversation, Execution, executing, is_ready
from activities.kubernetes.resources import NODES, PODS

CONTAINER = "libvirt"
MOVED = "failed to get domain"
"""libvirt's words for a domain that is not on its host."""
ANSWERS_S = 10.0
"""Beyond what libvirt's own time-outs are: five seconds for an agent to answer at all."""
THAWED_S = 60.0
"""A thaw waits for libvirt's lock on the domain, half a minute at most (qemu, job wait)."""

PROGRAM = r"""
export LC_ALL=C
domain=$1 limit=$2 touched= thawed=0 why=ended
mark=${XDG_RUNTIME_DIR:-/run}/starflock-frozen-$domain
trap '' PIPE
trap thaw EXIT
trap 'exit 143' TERM HUP INT

say() { echo "$@" 2>/dev/null || :; }
line() { echo "$1" | tr '\n' ' ' | sed 's/  */ /g; s/ *$//'; }
count() { echo "$1" | sed -n 's/.* \([0-9][0-9]*\) filesystem.*/\1/p' | head -n 1; }

look() {
  said=$(timeout -k 1 12 virsh qemu-agent-command --timeout 5 "$domain" \
    '{"execute":"guest-fsfreeze-status"}' 2>&1)
  case $said in
    *'"frozen"'*) state=frozen ;;
    *'"thawed"'*) state=thawed ;;
    *) state=unknown ;;
  esac
}

thaw() {
  trap '' TERM HUP INT
  [ -n "$touched" ] || return 0
  for pause in 0 1 2 4 8 16 30 60; do
    sleep "$pause"
    told=$(timeout -k 1 40 virsh domfsthaw "$domain" 2>&1)
    number=$(count "$told")
    thawed=$((thawed + ${number:-0}))
    look
    if [ "$state" = thawed ]; then
      touched=
      rm -f "$mark"
      say "thawed $thawed $why"
      return 0
    fi
    case $told in
      *'domain is not running'*) touched=; rm -f "$mark"; say "thawed 0 stopped"; return 0 ;;
    esac
  done
  say "left $(line "$told")"
}

look
if [ "$state" = frozen ]; then
  if [ ! -e "$mark" ]; then
    say "left it has no mark of ours"
    exit 3
  fi
  touched=yes why=before
  thaw
  look
fi
if [ "$state" != thawed ]; then
  say "refused $(line "$said")"
  exit 3
fi
if ! true 2>/dev/null >"$mark"; then
  say "refused no mark can be left at $mark"
  exit 3
fi
trap 'exit 143' TERM HUP INT
touched=yes thawed=0 why=refused
told=$(timeout -k 1 "$limit" virsh domfsfreeze "$domain" 2>&1)
code=$?
if [ "$code" != 0 ]; then
  [ "$code" != 124 ] || told="no answer within $limit s${told:+; $told}"
  say "refused $(line "$told")"
  exit 3
fi
number=$(count "$told")
why=ended
say "frozen ${number:-0}"
read -r -t "$limit" _
case $? in
  0) why=asked ;;
  1) why=lost ;;
  *) why=late ;;
esac
exit 0
"""
ENDS = {
    "late": "the time for it had run out",
    "lost": "the connection was lost",
    "ended": "the program in the pod was ended",
    "stopped": "the VM does not run any more",
}


@dataclass
class Hold:
    """See `activities.guests.GuestHold`."""

    talk: Conversation
    is_over: bool = False
    left_frozen: bool = False

    async def let_go(self) -> str:
        self.is_over = True
        try:
            async with asyncio.timeout(THAWED_S):
                await self.talk.say(b"\n")
                kind, words = await _said(self.talk, "thawed", "left")
        except (NoAnswer, TimeoutError, OSError) as error:
            return f"nobody says how the guest was thawed: {error}".rstrip(": ")
        self.left_frozen = kind == "left"
        if self.left_frozen:
            return f"the guest could not be thawed and may be frozen: {words}"
        number, _, why = words.partition(" ")
        if why != "asked":
            return f"it was thawed before the last snapshot was there: {ENDS.get(why, why)}"
        return "" if number != "0" else "somebody else had thawed it before the last snapshot was there"


@dataclass
class GuestFreezing:
    clusters: Clusters

    @asynccontextmanager
    async def frozen(
        self, site: str, place: tuple[str, str], host: str, vm: str, within: timedelta
    ) -> AsyncIterator[Hold]:
        """`place`: namespace and labels of libvirt's pods; `vm`: its UUID. Raises NotFrozen and
        ActivityFailure."""
        limit = max(1, round(within.total_seconds()))
        async with AsyncExitStack() as leaving:
            try:
                client = await leaving.enter_async_context(executing(self.clusters, site))
                pod = await self._pod(client, site, place, host)
                words = ("bash", "-c", PROGRAM, "starflock-freeze", vm, str(limit))
                talk = await leaving.enter_async_context(client.talking(place[0], pod, words, CONTAINER))
                hold = await _begun(talk, limit)
            except (Rejected, NoAnswer) as error:
                raise failure(error) from error
            try:
                yield hold
            finally:
                if not hold.is_over:
                    await hold.let_go()

    async def _pod(self, client: Execution, site: str, place: tuple[str, str], host: str) -> str:
        self.clusters.must_be(site, await client.list(NODES))
        namespace, labels = place
        pods = await client.list(PODS, namespace, labels=labels, fields=f"spec.nodeName={host}")
        for pod in pods:
            if "deletionTimestamp" not in pod["metadata"] and is_ready(pod):
                return str(pod["metadata"]["name"])
        raise NotFrozen(f"no pod with {labels} is ready in {namespace} on {host}")


async def _begun(talk: Conversation, limit_s: int) -> Hold:
    """Raises NotFrozen and Transient; the program in the pod goes on thawing where that is needed."""
    try:
        async with asyncio.timeout(limit_s + 2 * ANSWERS_S + THAWED_S):
            kind, words = await _said(talk, "frozen", "refused", "left")
            if kind == "frozen" and words != "0":
                return Hold(talk)
            if kind == "left":
                words = f"the guest was found frozen, and was not thawed: {words}"
                raise NotFrozen(words, left_frozen=True)
            if MOVED in words:
                raise Transient(f"{words}: it has moved meanwhile")
            if kind == "frozen":
                words = "the agent froze no file system"
                with suppress(OSError):
                    await talk.say(b"\n")
    except TimeoutError:
        raise NotFrozen("libvirt did not answer in time") from None
    raise NotFrozen(words.removeprefix("error: "))


async def _said(talk: Conversation, *kinds: str) -> tuple[str, str]:
    """The first line of these kinds. Raises NoAnswer where the program ends without one."""
    while True:
        kind, _, words = (await talk.line()).partition(" ")
        if kind in kinds:
            return kind, words
