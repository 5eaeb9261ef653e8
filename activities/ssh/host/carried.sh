# How far a file is that is brought to this host; the folder is made, and the part of another file of that name
# makes room.
# Arguments: the folder or nothing for the home, the release, the name, the size, the sha256.
# Says: the folder, its free bytes, the bytes of the part, whether the file is whole.
set -eu
umask 077
folder=${1:-$HOME}/starflock-$2
mkdir -p "$folder"
cd "$folder"
for other in ".$3."*; do
    case $other in ".$3.$5" | ".$3.writer") ;; *) rm -f -- "$other" ;; esac
done
echo "$folder"
df -P -k . | awk 'NR == 2 { printf "%.0f\n", $4 * 1024 }'
stat -c %s ".$3.$5" 2>/dev/null || echo 0
if [ "$(stat -c %s "$3" 2>/dev/null)" = "$4" ] && [ "$(sha256sum <"$3" | cut -d ' ' -f 1)" = "$5" ]; then
    echo whole
else
    echo part
fi
