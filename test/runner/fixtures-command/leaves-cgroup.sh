#!/bin/sh
# Moves itself to the group two levels up, as only one with the rights can. $1: seconds, unique to the test. $2: its cgroup.procs.
echo 0 >"$(dirname "$2")/../../cgroup.procs" || exit 1
echo ready
exec sleep "$1"
