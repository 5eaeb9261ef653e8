# Ends the playbook of a run: asks first, and where it was asked before, insists. Arguments: the run.
folder=$HOME/.starflock/bootstrap/$1
signal=TERM
mkdir "$folder/stopped" 2>/dev/null || signal=KILL
for found in $(grep -lzax "override_files_dir=$folder/[o]verrides" /proc/[0-9]*/cmdline 2>/dev/null); do
    process=${found#/proc/}
    kill "-$signal" "${process%/cmdline}" 2>/dev/null
done
echo "$signal"
