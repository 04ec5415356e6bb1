#!/bin/sh
# Says that it is ready, and ignores SIGTERM. $1: seconds, unique to the test.
trap '' TERM
echo ready
sleep "$1"
