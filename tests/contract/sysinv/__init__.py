"""sysinv v1: exchanges recorded from the real API, upstream master 2026-08, as made by `system`.

Systems, hosts with their actions and changes, applications, routing. Conductor, mtce, VIM, SM, Kubernetes and
FM were neutral stand-ins in the recording.
"""
