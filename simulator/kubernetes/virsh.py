"""Runs as `virsh` in a simulated pod of libvirt: the simulator's socket, then what virsh was told."""

import json
import socket
import sys


def main() -> int:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(sys.argv[1])
        link.sendall(json.dumps(sys.argv[2:]).encode() + b"\n")
        line = link.makefile(encoding="utf-8").readline()
    if not line:
        sys.stderr.write("error: failed to connect to the hypervisor\n")
        return 1
    code, out, errors = json.loads(line)
    sys.stdout.write(out)
    sys.stderr.write(errors)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
