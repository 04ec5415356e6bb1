#!/bin/sh
# Writes $1 to the checkpoint and $2 to the result, and ends with the code $3. A "-" leaves the file alone; "huge" is over the limit.
for pair in "$TICKWISE_CHECKPOINT_FILE=$1" "$TICKWISE_RESULT_FILE=$2"; do
  file=${pair%%=*}
  text=${pair#*=}
  case $text in
    -) ;;
    gone) rm -f "$file" ;;
    huge) head -c 1100000 /dev/zero | tr '\0' 1 >"$file" ;;
    *) printf %s "$text" >"$file" ;;
  esac
done
exit "$3"
