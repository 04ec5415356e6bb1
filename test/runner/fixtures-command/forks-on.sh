#!/bin/sh
# Replaces itself by a child again and again, each ignoring SIGTERM, for a few seconds at most.
# $1: seconds, unique to the test. $2: "setsid" for a session of its own for each link, or "env" for nothing special.
trap '' TERM
count=${3:-0}
[ "$count" != 0 ] || echo ready
[ "$count" = 2000 ] || "$2" sh "$0" "$1" "$2" $((count + 1)) &
