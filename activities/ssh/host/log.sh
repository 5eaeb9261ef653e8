# The end of a run's log. Arguments: the run, how many bytes.
tail -c "$2" "$HOME/.starflock/bootstrap/$1/log"
