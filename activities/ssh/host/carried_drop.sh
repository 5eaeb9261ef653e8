# Removes what was brought here for a release. Arguments: the folder or nothing for the home, the release.
folder=${1:-$HOME}/starflock-$2
[ -d "$folder" ] || { echo gone; exit 0; }
rm -rf -- "$folder" && echo removed
