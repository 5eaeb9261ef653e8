#!/bin/sh
# A base for the image where no registry is to be had: Debian 12 with its Python, from the mirrors that apt of
# this machine knows, security updates included. Writes a tar archive; needs root and the package debootstrap.
#
#   deploy/base.sh base.tar && podman import base.tar localhost/starflock-base
#   podman build -f deploy/Dockerfile --build-arg BASE=localhost/starflock-base -t starflock .
#
# Docker has the same two commands. What is installed but not needed to run (manuals, translations, lists and
# archives of apt) is left out; licences stay.
set -eu

release=bookworm
packages=python3,python3-venv,ca-certificates
say() { echo "starflock: $*" >&2; }
usage="usage: deploy/base.sh FILE.tar"
[ $# = 1 ] || { say "$usage"; exit 2; }
case $1 in
-*) say "$usage"; exit 2 ;;
/*) made=$1 ;;
*) made=$PWD/$1 ;;
esac
[ -d "${made%/*}" ] || { say "no folder ${made%/*} for the archive"; exit 2; }
[ "$(id -u)" = 0 ] || { say "a base is made as root: sudo deploy/base.sh $1"; exit 1; }
command -v debootstrap >/dev/null 2>&1 || { say "no debootstrap here; run: sudo apt-get install debootstrap"; exit 1; }

targets() { apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Component: main' 2>/dev/null | sort -u; }
[ -n "$(targets)" ] || apt-get update -qq || say "not all of apt's sources answer"
mirror=$(targets | sed -n "s/ $release\$//p" | head -n 1)
[ -n "$mirror" ] || { say "apt has no Debian mirror of $release among its sources"; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/starflock-base-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
tree=$work/tree
# What is mounted for it is seen by its processes alone and goes with them.
alone() { unshare --mount --propagation private sh -euc "$1" sh "$tree"; }

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
unshare --mount --propagation private debootstrap --variant=minbase --include="$packages" \
    "$release" "$tree" "$mirror" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; say "debootstrap failed"; exit 1; }
targets | while read -r uri suite; do
    case $suite in "$release" | "$release"-*) echo "deb $uri $suite main" ;; esac
done >"$tree/etc/apt/sources.list"
alone 'mount -t proc proc "$1/proc"; chroot "$1" sh -ec "apt-get update -qq; apt-get upgrade -y -qq"' \
    >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; say "the updates could not be installed"; exit 1; }

ln -sf python3 "$tree/usr/bin/python"
cd "$tree"
find usr/share/doc -type f ! -name copyright -delete
find usr/share/doc -type d -empty -delete
rm -rf usr/share/man/* usr/share/info/* usr/share/locale/* var/lib/apt/lists/* var/cache/apt/* var/cache/debconf/*-old \
    var/log/*.log var/log/apt/* tmp/* etc/resolv.conf etc/hostname
: >etc/machine-id
tar -cf "$made.part" --numeric-owner --sort=name --exclude=./dev/* --exclude=./proc/* --exclude=./sys/* .
mv "$made.part" "$made"
