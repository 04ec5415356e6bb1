#!/bin/sh
# Four steps: three with more to do, each counting in the checkpoint; the fourth leaves a result.
count=0
if [ -s "$TICKWISE_CHECKPOINT_FILE" ]; then
  read -r text <"$TICKWISE_CHECKPOINT_FILE"
  count=${text#*:}
  count=${count%\}}
fi
echo "step $TICKWISE_STEP found $count"
count=$((count + 1))
if [ "$count" -lt 4 ]; then
  echo "{\"count\":$count}" >"$TICKWISE_CHECKPOINT_FILE"
  exit 75
fi
echo "{\"steps\":$TICKWISE_STEP}" >"$TICKWISE_RESULT_FILE"
