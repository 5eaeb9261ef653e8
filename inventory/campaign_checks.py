"""What must hold between the parts of a campaign, and between it and the inventory.

Each section of the file is judged as far as it can be: a section that the model refused is None here and
whatever depends on it is not judged. Without an inventory, and for groups (whose members only dcmanager
knows), the number of sites is unknown, and only what is wrong for every number is refused.

Nothing here forbids a campaign that would merely be slow or strict. What is refused could not do what it
says: waves that leave selected sites out, a gate that nobody reaches, a cap that holds nobody, a budget
that can never be spent.
"""

from collections import Counter
from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from inventory.load import Inventory
from inventory.operation_checks import operation_findings
from inventory.problems import Finding, Path
from inventory.select import GroupMembers, select
from inventory.wan import wan_findings
from inventory.words import SUGGESTED_AT_MOST, did_you_mean, listed, quoted
from models.campaign import Budget, CampaignSpec, Selector, Wave, Window
from models.inventory import Site
from models.operations import BackupOperation, Operation

CONTROLLER_CAP = "system_controller"
"""The key of `window.by` and `window.wan.by` that is no label."""
BACKUPS_AT_ONCE = 250
"""MAX_PARALLEL_SUBCLOUD_BACKUP_CREATE of distcloud's subcloud_manager.py; it lets the others wait unseen."""
_COUNTED = ("failed", "unreachable", "wave_failed")
_VALUES_SHOWN = 8


class Sections(NamedTuple):
    """The parts of a campaign; None for what the model refused."""

    operation: Operation | None
    select: Selector | None
    waves: tuple[Wave, ...] | None
    window: Window | None
    budget: Budget | None
    approvals: tuple[str, ...] | None

    @classmethod
    def of(cls, spec: CampaignSpec) -> "Sections":
        return cls(spec.operation, spec.select, spec.waves, spec.window, spec.budget, spec.approvals)


def findings(
    sections: Sections, inventory: Inventory | None, group_members: GroupMembers | None = None
) -> Iterator[Finding]:
    """Everything that is wrong between the parts and with the inventory."""
    selected: tuple[Site, ...] | None = None
    if sections.select is not None and inventory is not None:
        troubles = list(_selection(sections.select, inventory))
        yield from troubles
        can_resolve = not sections.select.groups or group_members is not None
        if can_resolve and not troubles:
            selected = select(inventory, sections.select, group_members)
            if not selected:
                yield Finding(("select",), _why_empty(sections.select, inventory))
    if sections.operation is not None and selected and inventory is not None:
        yield from operation_findings(sections.operation, selected, inventory)
    total = len(selected) if selected else None
    if sections.waves is not None:
        yield from _waves(sections.waves, total)
        if sections.approvals is not None:
            yield from _approvals(sections.approvals, len(sections.waves))
    if sections.window is not None and inventory is not None:
        yield from _caps(sections.window, selected or inventory.sites, bool(selected))
    if sections.window is not None:
        sites = selected or (inventory.sites if inventory is not None else ())
        yield from wan_findings(sections.operation, sections.window, sites, inventory)
    if sections.window is not None and isinstance(sections.operation, BackupOperation):
        yield from _pool(sections.window)
    if sections.budget is not None and total is not None:
        yield from _budget(sections.budget, total)


def _pool(window: Window) -> Iterator[Finding]:
    if window.max_in_flight > BACKUPS_AT_ONCE:
        words = f"expected at most {BACKUPS_AT_ONCE}, which dcmanager backs up at a time"
        yield Finding(("window", "max_in_flight"), f"{words}; found {window.max_in_flight}")


def _selection(selector: Selector, inventory: Inventory) -> Iterator[Finding]:
    unknown = 0
    for key, names in (("names", selector.names), ("except", selector.except_)):
        for index, name in enumerate(names):
            if name in inventory:
                continue
            unknown += 1
            near = ""
            if unknown <= SUGGESTED_AT_MOST:
                near = did_you_mean(name, (site.name for site in inventory.sites))
            yield Finding(("select", key, index), f"the inventory has no site {name!r}{near}")
    for label, value in selector.labels.items():
        values = Counter(site.labels[label] for site in inventory.sites if label in site.labels)
        if value in values:
            continue
        if not values:
            labels = sorted({name for site in inventory.sites for name in site.labels})
            message = f"no site has the label {quoted(label)}{did_you_mean(label, labels)}"
        else:
            near = did_you_mean(value, values)
            if not near:
                shown = [quoted(each) for each, _ in values.most_common(_VALUES_SHOWN)]
                dots = ["..."] if len(values) > _VALUES_SHOWN else []
                near = f"; sites have {', '.join(shown + dots)}"
            message = f"no site has {quoted(value)} here{near}"
        yield Finding(("select", "labels", label), message)


def _why_empty(selector: Selector, inventory: Inventory) -> str:
    if not inventory.sites:
        return "no site is selected; the inventory declares none"
    if selector.except_ and select(inventory, selector.model_copy(update={"except_": ()}), {}):
        return "no site is selected; `except` takes out all of them"
    if len(selector.labels) > 1:
        pairs = [f"{label}={value}" for label, value in selector.labels.items()]
        return f"no site is selected; none has {listed(pairs)} together"
    return "no site is selected"


def _waves(waves: tuple[Wave, ...], total: int | None) -> Iterator[Finding]:
    highest, reached = 0.0, 0
    for index, wave in enumerate(waves):
        if highest >= 100:
            yield Finding(("waves", index), "the waves before have taken all sites; remove this one")
            continue
        if wave.percent is None:
            reached += wave.count or 0
            continue
        if wave.percent <= highest:
            message = (
                f"a percentage is of all sites and must rise: expected more than {highest:g}, "
                f"found {wave.percent:g}"
            )
            yield Finding(("waves", index, "percent"), message)
        highest = max(highest, wave.percent)
        if total is not None:
            reached = max(reached, ceil(total * wave.percent / 100 - 1e-9))
    if highest >= 100 or (total is not None and reached >= total):
        return
    if total is not None:
        message = f"the waves reach {reached} of the {total} selected sites; end them with `percent: 100`"
        yield Finding(("waves",), message)
    elif waves[-1].percent is not None:
        message = f"the waves end at {waves[-1].percent:g} % of the sites; end them with `percent: 100`"
        yield Finding(("waves",), message)


def _approvals(approvals: tuple[str, ...], waves: int) -> Iterator[Finding]:
    seen: set[str] = set()
    has = "one wave" if waves == 1 else f"{waves} waves"
    for index, gate in enumerate(approvals):
        number = int(gate.rpartition("-")[2])
        if gate in seen:
            yield Finding(("approvals", index), f"{gate} stands twice")
        elif number > waves:
            message = f"there is no wave {number}; this campaign has {has}"
            yield Finding(("approvals", index), message)
        elif number == waves:
            message = f"wave {number} is the last; nothing comes after it that could be approved"
            yield Finding(("approvals", index), message)
        seen.add(gate)


def _caps(window: Window, sites: tuple[Site, ...], are_selected: bool) -> Iterator[Finding]:
    labels = {label for site in sites for label in site.labels}
    paths: list[Path] = [("window", "by", label) for label in window.by]
    paths += [("window", "wan", "by", label) for label in (window.wan.by if window.wan else ())]
    for path in paths:
        label = str(path[-1])
        if label != CONTROLLER_CAP and label not in labels:
            near = did_you_mean(label, sorted({*labels, CONTROLLER_CAP}))
            which = "selected site" if are_selected else "site"
            message = f"no {which} has the label {quoted(label)}, so this cap would hold nobody{near}"
            yield Finding(path, message)


def _budget(budget: Budget, total: int) -> Iterator[Finding]:
    for key in _COUNTED:
        quota = getattr(budget, key)
        if isinstance(quota, int) and quota > total:
            sites = "one site is" if total == 1 else f"{total} sites are"
            message = f"{quota} can never be spent, only {sites} selected; write 100% to switch it off"
            yield Finding(("budget", key), message)
