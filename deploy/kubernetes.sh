#!/bin/sh
# A real Kubernetes control plane for the tests: kube-apiserver, -controller-manager and -scheduler 1.20.2 from
# Debian's source package (the last one that has them), etcd from its binary package. Needs apt of Debian 12
# and nothing else, no root: compiler, tools, etcd and sources are unpacked below the cache, which outlives this
# clone, and only the binaries stay there. The system's packages and lists are not touched.
#
# Debian's newer reflect2 replaces the one that comes with Kubernetes, which crashes with any Go since 1.18 at
# the first custom resource. Prints the folder. The first time takes eleven minutes of one processor.
set -eu

kubernetes=1.20.2
go=1.19
home=${XDG_CACHE_HOME:-$HOME/.cache}/starflock
here=$home/kubernetes-$kubernetes-go$go
programs="kube-apiserver kube-controller-manager kube-scheduler"
packages="golang-$go-go golang-$go-src golang-github-modern-go-reflect2-dev etcd-server
    jq libjq1 libonig5 libpopt0 libxxhash0 make patch rsync xz-utils"

if [ -e "$here/etcd" ]; then
    echo "$here"
    exit
fi
say() { echo "starflock: $*" >&2; }
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
if [ "$release" != bookworm ] || ! command -v apt-get >/dev/null 2>&1; then
    say "Kubernetes is built with apt of Debian 12 only, and this is not it"
    exit 1
fi

mkdir -p "$home"
work=$(mktemp -d "$home/kubernetes-build-XXXXXX")
# Go's module folders are read-only.
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
making=
trap '[ -z "$making" ] || kill "$making" || true; exit 1' INT TERM HUP
cd "$work"
mkdir -p lists/partial archives/partial debs source debian unpacked bin home

apt() { apt-get -qq -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work" -o APT::Sandbox::User= "$@"; }
targets() { apt-get indextargets --format '$(REPO_URI)' 'Component: main' "Release: $release" "$@" | head -n 1; }
mirror=$(targets)
if [ -z "$mirror" ]; then
    apt update || say "not all of apt's sources answer"
    mirror=$(targets -o "Dir::State::lists=$work/lists")
fi
[ -n "$mirror" ] || { say "apt has no Debian mirror of $release among its sources"; exit 1; }
for kind in deb deb-src; do
    echo "$kind [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main"
done >sources.list
# With nothing installed, so that what the mirror has is not outdone by an update of the system.
own() {
    apt -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::status=/dev/null "$@"
}
own update
own source --download-only kubernetes
(cd debs && own download $packages)
for deb in debs/*.deb; do dpkg-deb -x "$deb" unpacked; done
export PATH="$work/unpacked/usr/lib/go-$go/bin:$work/unpacked/usr/bin:$PATH"
LD_LIBRARY_PATH=$(echo "$work"/unpacked/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
tar -xzf kubernetes_*really$kubernetes.orig.tar.gz -C source --strip-components 1
tar -xJf kubernetes_*really$kubernetes-*.debian.tar.xz -C debian

cd source
while read -r name; do patch -s -p1 <"../debian/debian/patches/$name"; done <../debian/debian/patches/series
reflect2=github.com/modern-go/reflect2
rm vendor/$reflect2/*.go vendor/$reflect2/*.s
cp ../unpacked/usr/share/gocode/src/$reflect2/*.go ../unpacked/usr/share/gocode/src/$reflect2/*.s vendor/$reflect2/
cat >../version.sh <<VERSION
KUBE_GIT_COMMIT=debian
KUBE_GIT_TREE_STATE=archive
KUBE_GIT_VERSION=v$kubernetes
KUBE_GIT_MAJOR=${kubernetes%%.*}
KUBE_GIT_MINOR=$(echo $kubernetes | cut -d . -f 2)
VERSION
what=$(for program in $programs; do printf 'cmd/%s ' "$program"; done)
env -u GOPATH -u GOFLAGS HOME="$work/home" CGO_ENABLED=0 KUBE_GIT_VERSION_FILE="$work/version.sh" \
    make WHAT="$what" >../make.log 2>&1 &
making=$!
wait "$making" || { tail -n 40 ../make.log >&2; say "Kubernetes could not be built"; exit 1; }
cd ..
for program in $programs; do cp "source/_output/local/bin/linux/$(dpkg --print-architecture)/$program" bin/; done
cp unpacked/usr/bin/etcd bin/
mv -T bin "$here" 2>/dev/null || [ -e "$here/etcd" ] # another clone may have been quicker
echo "$here"
