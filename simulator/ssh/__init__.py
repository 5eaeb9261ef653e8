"""Installed hosts behind SSH: a real sh in a folder for each host, and StarlingX's bootstrap playbook."""
