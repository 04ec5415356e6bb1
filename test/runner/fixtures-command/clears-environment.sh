#!/bin/sh
# Starts a process without any environment in a session of its own, and lives as long as that one. $1: seconds, unique to the test.
env -i "$(command -v setsid)" -w "$(command -v sleep)" "$1" </dev/null >/dev/null 2>&1 &
echo ready
wait
