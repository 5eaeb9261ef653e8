"""Which task queue in Temporal a site's workflows and activities are on: its system controller's, or the
main."""

from inventory.load import Inventory
from models import contracts


def queue_of(inventory: Inventory, site: str) -> str:
    """Of a site, or of a system controller as a site of its own. Raises NotDeclared."""
    return inventory.controller(inventory.site(site).system_controller).queue or contracts.TASK_QUEUE


def queues(inventory: Inventory) -> dict[str, str]:
    """By system controller; those on the main queue are left out."""
    return {each.name: each.queue for each in inventory.file.system_controllers if each.queue}
