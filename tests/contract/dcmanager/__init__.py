"""dcmanager v1.0: exchanges recorded from the real API, upstream master 2026-08 (distcloud 8ae01823).

The lifecycle (one strategy over five subclouds with the real intervals) was recorded with them.
"""
