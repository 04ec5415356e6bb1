#!/bin/sh
# Disk usage as JSON: the file system that holds the first path, and what each path takes up.
#
#   disk-usage.sh PATH...
#
# Writes to $TICKWISE_RESULT_FILE, or to standard output without it. A path that does not exist has "usedKiB": null.
# Exit status: 0; 1 when df fails or prints what cannot be read; 2 when no path is given. POSIX tools only.
set -eu
export LC_ALL=C

[ $# -ge 1 ] || { echo 'disk-usage: name at least one path' >&2; exit 2; }

quote='function quote(text) {
  gsub(/\\/, "&&", text); gsub(/"/, "\\\\&", text); gsub(/[\001-\037\177]/, "?", text); return "\"" text "\""
}'

# The columns are found from the numbers, for the names on both sides of them may hold blanks.
filesystem=$(df -Pk -- "$1" | awk "$quote"'
  NR == 2 && match($0, /[ \t]+[0-9]+[ \t]+[0-9]+[ \t]+-?[0-9]+[ \t]+[0-9]+%[ \t]+/) {
    name = substr($0, 1, RSTART - 1); mount = substr($0, RSTART + RLENGTH)
    split(substr($0, RSTART, RLENGTH), number, /[ \t%]+/)
    printf "\"filesystem\": %s, \"mountedOn\": %s, \"sizeKiB\": %s, \"usedKiB\": %s, \"availableKiB\": %s, \"usedPercent\": %s",
      quote(name), quote(mount), number[2], number[3], number[4], number[5]
    found = 1
  }
  END { exit !found }') || { echo "disk-usage: df says nothing that can be read about $1" >&2; exit 1; }

paths=
for path in "$@"; do
  # du fails when a file vanishes under it, and its sum is good all the same.
  used=$({ du -sk -- "$path" 2>/dev/null || :; } | awk 'NR == 1 { print $1 }')
  name=$(printf '%s' "$path" | tr '\n' '?' | awk "$quote"'{ printf "%s", quote($0) }')
  paths="$paths${paths:+, }{\"path\": ${name:-\"\"}, \"usedKiB\": ${used:-null}}"
done

result="{$filesystem, \"paths\": [$paths]}"
if [ -n "${TICKWISE_RESULT_FILE:-}" ]; then
  printf '%s\n' "$result" >"$TICKWISE_RESULT_FILE"
else
  printf '%s\n' "$result"
fi
