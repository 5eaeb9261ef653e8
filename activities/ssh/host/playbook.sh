#!/bin/sh
# Placed with a run and started detached: runs the playbook, then removes the secrets and leaves its exit code.
# Arguments: the run's folder, the playbook.
# The lock is the kernel's: it goes with this process, and keeps two runs on one host from each other.
umask 077
trap : HUP INT TERM
folder=$1
echo "$$ $(cut -d ' ' -f 22 /proc/$$/stat) $(cat /proc/sys/kernel/random/boot_id)" >"$folder/process.new"
mv "$folder/process.new" "$folder/process"
exec 9>"$HOME/.starflock/bootstrap/lock"
if flock -n 9; then
    cd "$HOME" || exit
    ANSIBLE_LOG_PATH=/dev/null ANSIBLE_NOCOLOR=1 PYTHONUNBUFFERED=1 \
        ansible-playbook "$2" -e "override_files_dir=$folder/overrides" </dev/null >"$folder/log" 2>&1 9>&-
    code=$?
else
    echo "another run of Starflock is at work on this host" >"$folder/log"
    code=75
fi
secrets=$folder/overrides/localhost_secrets.yml
[ ! -e "$secrets" ] || shred -u "$secrets" 2>/dev/null || rm -f "$secrets"
echo "$code" >"$folder/exit.new"
mv "$folder/exit.new" "$folder/exit"
