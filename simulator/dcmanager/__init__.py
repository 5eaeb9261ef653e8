"""dcmanager v1.0 (distcloud 8ae01823, 2026-08): the system controller's view of its subclouds.

`state` holds rows and counters, `availability` what is read off the clouds, the other modules turn requests
into answers; `orchestrator` is dcmanager's own sw-deploy strategy at work.
"""
