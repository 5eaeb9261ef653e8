"""The OpenStack on each site, as the application stx-openstack leaves it: what an acceptance asks of it."""
