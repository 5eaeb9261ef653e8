# Takes the lines out of ended runs' logs that hold one of the words on standard input.
words=$(cat)
for folder in "$HOME/.starflock/bootstrap"/*/; do
    [ -f "$folder/exit" ] && [ -f "$folder/log" ] || continue
    if printf '%s\n' "$words" | grep -qaFf - "$folder/log"; then
        umask 077
        printf '%s\n' "$words" | grep -avFf - "$folder/log" >"$folder/log.new"
        echo "(lines with secrets were taken out)" >>"$folder/log.new"
        mv "$folder/log.new" "$folder/log" && echo "$folder"
    fi
done
true
