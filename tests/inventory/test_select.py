from pathlib import Path

import pytest

from inventory.load import Inventory, load_inventory
from inventory.select import GroupMembers, SelectionError, select
from models.campaign import Selector
from tests.inventory.files import INVENTORY, written


@pytest.fixture
def inventory(folder: Path) -> Inventory:
    return load_inventory(written(folder, INVENTORY))


def names(inventory: Inventory, group_members: GroupMembers | None = None, **selector: object) -> list[str]:
    chosen = select(inventory, Selector.model_validate(selector), group_members)
    return [site.name for site in chosen]


def test_all_are_all_in_file_order(inventory: Inventory) -> None:
    assert names(inventory, all=True) == ["alpha", "beta", "gamma"]


def test_names_come_in_file_order_and_once(inventory: Inventory) -> None:
    assert names(inventory, names=["gamma", "alpha", "gamma"]) == ["alpha", "gamma"]


def test_every_label_must_match(inventory: Inventory) -> None:
    assert names(inventory, labels={"region": "south"}) == ["beta"]
    assert names(inventory, labels={"region": "south", "tier": "gold"}) == ["beta"]
    assert names(inventory, labels={"region": "north", "tier": "gold"}) == []


def test_except_is_taken_out_of_every_way_to_select(inventory: Inventory) -> None:
    members = {"night": {("central", "subcloud2"), ("central", "gamma")}}
    assert names(inventory, all=True, **{"except": ["beta"]}) == ["alpha", "gamma"]
    assert names(inventory, names=["alpha", "beta"], **{"except": ["beta"]}) == ["alpha"]
    assert names(inventory, labels={"region": "south"}, **{"except": ["beta"]}) == []
    assert names(inventory, members, groups=["night"], **{"except": ["beta"]}) == ["gamma"]


def test_groups_are_matched_by_controller_and_subcloud(inventory: Inventory) -> None:
    members = {"night": {("central", "subcloud2"), ("west", "alpha")}, "day": {("central", "undeclared")}}
    assert names(inventory, members, groups=["night"]) == ["beta"]
    assert names(inventory, members, groups=["day"]) == []
    assert names(inventory, members, groups=["night", "day"]) == ["beta"]


@pytest.mark.parametrize("members", [None, {}, {"day": {("central", "alpha")}}])
def test_a_group_that_nobody_resolved_is_an_error(inventory: Inventory, members: GroupMembers | None) -> None:
    with pytest.raises(SelectionError) as caught:
        names(inventory, members, groups=["night"])
    assert str(caught.value) == "the members of the subcloud group 'night' are not known here"


@pytest.mark.parametrize("selector", [{"names": ["alpha", "betta"]}, {"all": True, "except": ["betta"]}])
def test_a_name_that_is_not_declared_is_an_error(inventory: Inventory, selector: dict[str, object]) -> None:
    with pytest.raises(SelectionError) as caught:
        names(inventory, **selector)
    assert str(caught.value) == "the inventory has no site 'betta'; did you mean 'beta'?"
