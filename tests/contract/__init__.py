"""Exchanges that were recorded from the real APIs, and stock clients' own requests, against a target.

The target is the simulator, unless an environment variable names another system (see `dcmanager`).
"""
