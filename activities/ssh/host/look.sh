# What stands on the host, one fact a line: name, blank, value. Changes nothing.
here=$HOME/.starflock/bootstrap
echo "clock $(date +%s)"
[ -f /usr/share/ansible/stx-ansible/playbooks/bootstrap.yml ] && echo "playbook yes"
for need in ansible-playbook flock setsid; do
    command -v "$need" >/dev/null 2>&1 || echo "lacks $need"
done
[ -e /etc/platform/.bootstrap_completed ] && echo "bootstrapped yes"
[ -e /etc/platform/.initial_config_complete ] && echo "finalized yes"
for flag in /opt/platform/config/*/.bootstrap_finalized; do
    [ -e "$flag" ] && echo "finalized yes"
done
for found in $(grep -lzax -E '(.*/)?ansible-playbook' /proc/[0-9]*/cmdline 2>/dev/null); do
    of=$(tr '\0' '\n' <"$found" 2>/dev/null | grep -m 1 -E '^(/usr/share/ansible/stx-ansible/playbooks/.*|[^/@=]*)\.ya?ml$') || continue
    run=$(tr '\0' '\n' <"$found" 2>/dev/null | sed -n "s|^override_files_dir=$here/\([^/]*\)/overrides\$|\1|p")
    process=${found#/proc/}
    echo "process ${process%/cmdline} ${run:--} $of"
done
for folder in "$here"/*/; do
    [ -d "$folder" ] || continue
    run=$(basename "$folder")
    echo "run $run"
    [ -d "$folder/started" ] && echo "started $(stat -c %Y "$folder/started")"
    [ -f "$folder/book" ] && echo "book $(cat "$folder/book")"
    [ -f "$folder/backup" ] && echo "backup $(cat "$folder/backup")"
    [ -e "$folder/overrides/localhost_secrets.yml" ] && echo "secrets yes"
    if [ -f "$folder/exit" ]; then
        echo "exit $(cat "$folder/exit")"
    elif [ -f "$folder/process" ]; then
        read -r pid since boot <"$folder/process"
        [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] &&
            [ "$since" = "$(cut -d ' ' -f 22 "/proc/$pid/stat" 2>/dev/null)" ] && echo "alive $pid"
    fi
    if [ -f "$folder/log" ]; then
        echo "tasks $(grep -c '^TASK \[' "$folder/log")"
        echo "task $(grep '^TASK \[' "$folder/log" | tail -n 1 | sed 's/^TASK \[\(.*\)\].*/\1/')"
    fi
done
true
