"""A simulated StarlingX region: one system controller and its subclouds behind real HTTP(S).

State machines (`cloud/`), the service APIs that show them (`services/`, `dcmanager/`), the wire below
(`wire/`), and what a test needs to trust them: faults, a ledger of every mutating request, durations that
were drawn, outcomes that the faults dictate (`proof/`). Nothing here knows who the client is.
"""
