# Archives of the platform in a folder: size, time of the last change, sha256, name; one a line.
# Arguments: the folder, the second from which they were changed. Changes nothing.
cd "$1" 2>/dev/null || exit 0
for file in *_backup_*.tgz *_backup_*.tgz.gpg; do
    [ -f "$file" ] && [ ! -h "$file" ] || continue
    [ "$(stat -c %Y "$file")" -ge "$2" ] || continue
    echo "$(stat -c '%s %Y' "$file") $(sha256sum <"$file" | cut -d ' ' -f 1) $file"
done
true
