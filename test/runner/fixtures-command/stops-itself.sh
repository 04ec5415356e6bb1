#!/bin/sh
# Is stopped, as by Ctrl-Z, before it can hear anything; dies of SIGTERM if it is continued. $1: seconds, unique to the test.
sleep "$1" &
echo ready
kill -STOP $$
wait
