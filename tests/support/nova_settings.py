"""The configuration of Keystone, Placement and Nova as the tests run them.

Services report every second and count as down after twelve; a call over the bus is given up after thirty.
The host of conductor and scheduler is not one of the computes.
"""

from pathlib import Path

from tests.support.nova_ground import Database
from tests.support.nova_neighbours import Neighbours

COMPUTES = ("compute-0", "compute-1", "compute-2")
PASSWORD = "of-the-tests"
DRIVER = "HeldLiveMigrateDriver"
"""Ours: see nova_launcher."""

KEYSTONE = """
[database]
connection = {keystone_database}
[fernet_tokens]
key_repository = {folder}/keys/fernet
[credential]
key_repository = {folder}/keys/credential
[identity]
password_hash_rounds = 4
"""
PLACEMENT = """
[placement_database]
connection = {placement_database}
[api]
auth_strategy = keystone
[keystone_authtoken]
{account}
interface = public
"""
NOVA = """
[DEFAULT]
host = controller-0
my_ip = 127.0.0.1
compute_driver = fake.{driver}
transport_url = {bus}
state_path = {folder}/state
concurrency_backend = threading
report_interval = 1
periodic_fuzzy_delay = 0
service_down_time = 12
rpc_response_timeout = 30
[api_database]
connection = {nova_api_database}
[database]
connection = {nova_cell1_database}
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 2
[keystone_authtoken]
{account}
interface = public
[placement]
{account}
region_name = RegionOne
valid_interfaces = public
[service_user]
send_service_user_token = false
[glance]
endpoint_override = {glance}
[neutron]
endpoint_override = {neutron}
{account}
[oslo_concurrency]
lock_path = {folder}/state/locks
[oslo_messaging_notifications]
driver = noop
[oslo_messaging_rabbit]
rabbit_quorum_queue = false
[vnc]
enabled = false
"""
COMPUTE = """
[DEFAULT]
host = {name}
state_path = {folder}/{name}
[oslo_concurrency]
lock_path = {folder}/{name}/locks
"""
ACCOUNT = """
auth_type = password
auth_url = http://127.0.0.1:{port}/v3
www_authenticate_uri = http://127.0.0.1:{port}/v3
username = admin
password = {password}
project_name = admin
user_domain_id = default
project_domain_id = default
"""


def write_settings(
    folder: Path,
    database: Database,
    keystone: int,
    around: Neighbours,
    bus: str = "rabbit://guest:guest@127.0.0.1:1/",
) -> None:
    words = {
        "folder": str(folder),
        "account": ACCOUNT.format(port=keystone, password=PASSWORD).strip(),
        "glance": around.glance,
        "neutron": around.neutron,
        "bus": bus,
        "driver": DRIVER,
    }
    for name in ("keystone", "placement", "nova_api", "nova_cell1"):
        words[f"{name}_database"] = database.url(name)
    for name, text in (("keystone", KEYSTONE), ("placement", PLACEMENT), ("nova", NOVA)):
        (folder / f"{name}.conf").write_text(text.format(**words))
    for name in COMPUTES:
        (folder / name).mkdir(exist_ok=True)
        (folder / f"{name}.conf").write_text(COMPUTE.format(folder=folder, name=name))
    for name in ("state", "keys/fernet", "keys/credential"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
