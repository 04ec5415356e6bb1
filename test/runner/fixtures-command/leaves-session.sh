#!/bin/sh
# Leaves a process of its own session behind, which holds no pipe, and ends. $1: seconds, unique to the test.
setsid sleep "$1" </dev/null >/dev/null 2>&1 &
echo left
