"""The baseboard management controllers of a region: one Redfish service for each simulated host.

`machine.py` is the server itself (power, boot, disk), `media.py`, `firmware.py`, `settings.py`, `accounts.py`
and `tasks.py` what its BMC keeps, `state.py` all of it together. `resources/` shows that state as Redfish
resources, `service.py` holds the protocol's rules, `front.py` lets faults strike and writes the ledger,
`floor.py` owns sockets. `quirks.py` and `flavours_table.py` say in which ways vendors differ.
"""
