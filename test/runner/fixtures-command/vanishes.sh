#!/bin/sh
# Leaves a process behind that cleared its environment, left the session, and has no living ancestor. $1: seconds, unique to the test.
(env -i "$(command -v setsid)" "$(command -v sleep)" "$1" </dev/null >/dev/null 2>&1 &)
sleep 0.05
echo left
