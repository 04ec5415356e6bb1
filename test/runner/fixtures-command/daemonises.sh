#!/bin/sh
# Forks twice, so that the survivor's parent is dead and its session is its own; it ignores SIGTERM. Goes on itself if $2 is "stay".
# $1: seconds, unique to the test.
(setsid sh -c 'trap "" TERM HUP; echo ready; exec >/dev/null 2>&1; sleep "$1" & wait' sh "$1" </dev/null &)
if [ "$2" = stay ]; then sleep "$1"; else sleep 0.1; fi
