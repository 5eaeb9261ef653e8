"""sysinv v1 of one cloud (config, 2026-08): systems, hosts and their actions, applications, health."""
