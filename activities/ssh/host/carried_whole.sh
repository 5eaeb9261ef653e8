# Makes the part of a file the file where it is the one that is meant; otherwise the part goes.
# Arguments: the folder, the name, the sha256.
set -eu
cd "$1"
part=.$2.$3
rm -f ".$2.writer"
found=$(sha256sum <"$part" | cut -d ' ' -f 1)
[ "$found" = "$3" ] || { rm -f "$part"; echo "what arrived of $2 has the sha256 $found" >&2; exit 4; }
mv -f "$part" "$2"
