"""A host that is bootstrapped over SSH, as we need it: on the simulated one, and on a real OpenSSH server.

Behind the real one stands a real Ansible with a small playbook of StarlingX's roles. That playbook alone is
ours.
"""
