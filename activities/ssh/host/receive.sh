# Writes an archive of the platform from standard input, whole or not at all; none is written over.
# Arguments: the folder, the name, the size, the sha256.
set -eu
umask 077
while IFS= read -r line; do
    # Before it stands what sudo had no need to read.
    [ "$line" != "--- the archive ---" ] || break
done
mkdir -p "$1"
cd "$1"
part=.$2.starflock
trap 'rm -f "$part"' EXIT
cat >"$part"
[ "$(stat -c %s "$part")" = "$3" ] || { echo "$(stat -c %s "$part") bytes of $3 arrived" >&2; exit 4; }
[ "$(sha256sum <"$part" | cut -d ' ' -f 1)" = "$4" ] || { echo "what arrived has another sha256" >&2; exit 4; }
ln "$part" "$2"
echo written
