# Removes the secrets of the runs that are named, and says what is left of them.
for run in "$@"; do
    folder=$HOME/.starflock/bootstrap/$run/overrides
    for secrets in "$folder/localhost_secrets.yml" "$folder/localhost_secrets.yml.new"; do
        [ -e "$secrets" ] || continue
        shred -u "$secrets" 2>/dev/null || rm -f "$secrets"
        [ -e "$secrets" ] && echo "$secrets"
    done
done
true
