# Writes one file of a run from standard input, whole or not at all. Arguments: the run, the file.
set -eu
umask 077
here=$HOME/.starflock/bootstrap
folder=$here/$1
if [ -d "$folder/started" ]; then
    echo "the playbook of this run was started already" >&2
    exit 3
fi
mkdir -p "$folder/overrides"
chmod 700 "$HOME/.starflock" "$here" "$folder" "$folder/overrides"
cat >"$folder/$2.new"
chmod 600 "$folder/$2.new"
mv "$folder/$2.new" "$folder/$2"
