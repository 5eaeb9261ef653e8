"""The simulated BMCs judged by others: DMTF's validators and library, and OpenStack's sushy.

Nothing here is ours but the simulator. The services are held against what those who wrote the specification,
and those who live with the vendors, expect of them.
"""
