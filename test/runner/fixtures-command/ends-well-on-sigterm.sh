#!/bin/sh
# Ends with the code $2 when it is told to stop. $1: seconds, unique to the test.
code=$2
trap 'kill $!; exit $code' TERM
sleep "$1" &
echo ready
wait
