"""What the stock command lines send and have to be answered.

`dcmanager` (distcloud-client 7e766dd), `system` (config b62963d), `fm` (fault 47b8464), `software` (update
51560ae) and `sw-manager` (nfv 1fa7c30) were run against a simulated region of the next dialect. Their
requests stand in `commands.jsonl` as they sent them, one command a line, in the order in which they were
given; the answers beside them are those that the clients could read and print. That the answers are the real
ones is the business of the recorded exchanges (`dcmanager`, `sysinv`).
"""
