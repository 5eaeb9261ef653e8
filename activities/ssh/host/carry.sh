# Goes on with the part of a file, from standard input. One that still writes there, for a connection that is
# gone, is ended first: two would write through each other.
# Arguments: the folder, the name, the sha256, the bytes that the part has.
set -eu
umask 077
cd "$1"
part=.$2.$3 writer=.$2.writer
if pid=$(cat "$writer" 2>/dev/null) && [ "$(readlink "/proc/$pid/fd/1")" = "$(pwd -P)/$part" ]; then
    kill -9 "$pid" 2>/dev/null || true
    while [ "$(readlink "/proc/$pid/fd/1")" = "$(pwd -P)/$part" ]; do sleep 0.1; done
fi
has=$(stat -c %s "$part" 2>/dev/null || echo 0)
[ "$has" = "$4" ] || { echo "the part has $has bytes, not $4" >&2; exit 3; }
echo $$ >"$writer"
exec cat >>"$part"
