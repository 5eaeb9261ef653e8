# What backup.yml wants of the host, one fact a line: name, blank, value. Changes nothing.
[ -f /usr/share/ansible/stx-ansible/playbooks/backup.yml ] && echo "playbook yes"
# The file system of the platform is mounted on the active controller alone.
[ -d /opt/platform/config ] && echo "active yes"
[ -f /etc/platform/.backup_in_progress ] &&
    echo "flag $(($(date +%s) - $(stat -c %Y /etc/platform/.backup_in_progress)))"
echo "home $(du -sm "$HOME/.." 2>/dev/null | cut -f 1)"
for name in sw_version system_type system_mode distributed_cloud_role region_name; do
    echo "$name $(sed -n "s/^$name=//p" /etc/platform/platform.conf 2>/dev/null | tail -n 1)"
done
true
