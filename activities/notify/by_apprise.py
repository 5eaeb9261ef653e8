"""Apprise: mail, chat, pagers by URL. It is an extra, imported only where a target asks for it; its library
waits for answers in threads, so it runs in one."""

import asyncio
import importlib
from typing import Any

from activities.errors import Refused, Transient

HOW = "Apprise is not installed here; install Starflock with its extra: starflock[notify]"


async def tell(urls: list[str], title: str, body: str) -> None:
    """Raises Refused where Apprise cannot use a URL, Transient where a service did not take the message; it
    does not say why, and its URLs hold secrets, so neither do we."""
    try:
        apprise: Any = importlib.import_module("apprise")
    except ImportError:
        raise Refused(HOW) from None
    people = apprise.Apprise()
    for number, url in enumerate(urls, 1):
        if not people.add(url):
            raise Refused(f"URL {number} of {len(urls)} is none that Apprise knows")
    if not await asyncio.to_thread(people.notify, body=body, title=title):
        raise Transient("Apprise could not deliver it to every one of its URLs")
