"""What a campaign's WAN budget means in sites, for the plan."""

from models.campaign import Window
from models.fleet import Members


def pinned(window: Window, members: Members) -> Window:
    """With what one site takes, where the archives said it."""
    if window.wan is None or window.wan.site is not None:
        return window
    wan = window.wan.model_copy(update={"site": members.wan_site})
    return window.model_copy(update={"wan": wan})


def told(window: Window, members: Members) -> tuple[str, ...]:
    """A line for each value of each label that has a budget, in the order of the members."""
    if window.wan is None:
        return ()
    lines = []
    for label, at_once in window.wan.at_once.items():
        sites = "1 site" if at_once == 1 else f"{at_once} sites"
        takes = f"{window.wan.by[label]} a second, {window.wan.site} a site"
        for value in dict.fromkeys(value for value in members.labels.get(label, ()) if value):
            lines.append(f"{label}={value}: {sites} at once ({takes})")
    return tuple(lines)
