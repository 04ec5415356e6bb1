#!/bin/sh
# Replaces itself by a child again and again, each ignoring SIGTERM, as long as it may. $1: seconds, unique to the test.
trap '' TERM
[ -n "$2" ] || echo ready
sh "$0" "$1" again &
