"""What a cloud is right after `bootstrap.yml`: one locked controller, which has never been unlocked.

sysinv answers and knows the hardware of controller-0; nothing of the platform is configured beyond what the
playbook takes from its overrides. The other hosts of the site exist as machines only: they come in when they
are added or boot from the management network.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.cloud.cloud import Cloud

APPLICATIONS = {
    "cert-manager": "applied",
    "nginx-ingress-controller": "applied",
    "platform-integ-apps": "uploaded",
    "rook-ceph": "uploaded",
    "oidc-auth-apps": "uploaded",
    "node-feature-discovery": "uploaded",
}
"""The playbook applies the first two itself (ansible-playbooks, bringup-bootstrap-applications)."""


def bootstrapped(cloud: "Cloud") -> None:
    """Make this cloud one that has just been bootstrapped, whatever it was."""
    first = next(host for host in cloud.hosts if host.name == "controller-0")
    cloud.unknown = [*(host for host in cloud.hosts if host is not first), *cloud.unknown]
    cloud.hosts = [first]
    for machine in cloud.unknown:
        machine.enter("locked", "disabled", "power-off", "")
    first.active = True
    first.enter("locked", "disabled", "online", "")
    first.moving, first.ihost_action = "", None
    first.invprovision, first.inv_state = "unprovisioned", "inventoried"
    first.vim_progress_status = None
    first.bm_type = first.bm_username = None
    cloud.apps.status = dict(APPLICATIONS)
    cloud.forget_tables()
    cloud.hooks.reborn()
    cloud.alarms.rows.clear()
    cloud.alarms.raise_("200.001", f"host={first.name}", host=first.name)
