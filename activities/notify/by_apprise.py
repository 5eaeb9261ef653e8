"""Apprise: mail, chat, pagers by URL. It is an extra, imported only where a target asks for it; it reads a
hundred modules at its first URL and waits for answers where it stands, so all of it runs in a thread. Its
log may repeat parts of URLs, which hold passwords, and is switched off.
"""

import asyncio
import importlib
import logging
from typing import Any

from activities.errors import Refused, Transient

HOW = "Apprise is not installed here; install Starflock with its extra: starflock[notify]"


async def tell(urls: list[str], title: str, body: str) -> None:
    """Raises Refused where Apprise cannot use a URL, Transient where a service did not take the message; it
    does not say why, and its URLs hold secrets, so neither do we."""
    await asyncio.to_thread(_tell, urls, title, body)


def _tell(urls: list[str], title: str, body: str) -> None:
    try:
        apprise: Any = importlib.import_module("apprise")
    except ImportError:
        raise Refused(HOW) from None
    logging.getLogger("apprise").disabled = True
    people = apprise.Apprise()
    for number, url in enumerate(urls, 1):
        if not people.add(url):
            raise Refused(f"URL {number} of {len(urls)} is none that Apprise knows")
    if not people.notify(body=body, title=title):
        raise Transient("Apprise could not deliver it to every one of its URLs")
