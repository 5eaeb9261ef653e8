# Removes an archive of the platform where it is the one that is meant. Arguments: the folder, the name, the sha256.
cd "$1" 2>/dev/null && [ -f "$2" ] || { echo gone; exit 0; }
[ "$(sha256sum <"$2" | cut -d ' ' -f 1)" = "$3" ] || { echo another; exit 0; }
rm -f -- "$2" && echo removed
