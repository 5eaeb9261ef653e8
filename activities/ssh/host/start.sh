# Starts the playbook of a run, once in the run's life: whoever makes the folder `started` does it.
# Arguments: the run, which playbook.
set -eu
umask 077
folder=$HOME/.starflock/bootstrap/$1
for file in playbook.sh overrides/localhost.yml overrides/localhost_secrets.yml; do
    [ -f "$folder/$file" ] || { echo "$folder/$file is not there" >&2; exit 3; }
done
mkdir "$folder/started" 2>/dev/null || { echo already; exit 0; }
playbook=/usr/share/ansible/stx-ansible/playbooks/${2:-bootstrap}.yml
setsid sh "$folder/playbook.sh" "$folder" "$playbook" </dev/null >/dev/null 2>&1 &
echo started
