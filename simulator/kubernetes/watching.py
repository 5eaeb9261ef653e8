"""A watch: what has happened since a version, and then what happens, one line of JSON an event.

It ends with `timeoutSeconds` or when the client leaves. A version that the log no longer holds is answered
with an ERROR event of 410, as etcd's compaction makes it.
"""

import asyncio
import json
from collections.abc import AsyncGenerator

from simulator.kubernetes.asking import Wanted
from simulator.kubernetes.cluster import Cluster
from simulator.kubernetes.kinds import Resource
from simulator.kubernetes.store import Key
from simulator.kubernetes.words import status
from simulator.wire.http import Json, Reply

LONGEST_S = 300.0


def watch(
    cluster: Cluster, of: Resource, namespace: str, tests: list[Wanted], query: dict[str, str]
) -> Reply:
    timeout = float(query.get("timeoutSeconds") or LONGEST_S)
    since = int(query.get("resourceVersion") or 0)
    return Reply(stream=_events(cluster, of, namespace, tests, since, timeout))


async def _events(
    cluster: Cluster, of: Resource, namespace: str, tests: list[Wanted], since: int, timeout: float
) -> AsyncGenerator[bytes, None]:
    if since and since < cluster.store.oldest:
        yield _line("ERROR", status(410, f"too old resource version: {since} ({cluster.store.oldest})"))
        return
    queue: asyncio.Queue[tuple[str, Json]] = asyncio.Queue()

    def is_wanted(key: Key, made: Json) -> bool:
        right = key[:2] == (of.group, of.plural) and namespace in ("", key[2])
        return right and all(test(made) for test in tests)

    def heard(kind: str, key: Key, made: Json) -> None:
        if is_wanted(key, made):
            queue.put_nowait((kind, made))

    if since:
        past = [(kind, key, made) for version, kind, key, made in cluster.store.log if version > since]
    else:
        past = [("ADDED", cluster.store.key(of, namespace, ""), made) for made in cluster.store.all(of)]
        past = [(kind, (*key[:2], _namespace(made), ""), made) for kind, key, made in past]
    for kind, key, made in past:
        heard(kind, key, made)
    cluster.store.listeners.append(heard)
    cluster.watchers += 1
    cluster.keep_up()
    try:
        async with asyncio.timeout(timeout):
            while True:
                yield _line(*await queue.get())
    except TimeoutError:
        return
    finally:
        cluster.watchers -= 1
        cluster.store.listeners.remove(heard)


def _namespace(made: Json) -> str:
    return str(made["metadata"].get("namespace", ""))


def _line(kind: str, made: Json) -> bytes:
    return json.dumps({"type": kind, "object": made}).encode() + b"\n"
