#!/bin/sh
# Ends, while a background child goes on holding its output. $1: seconds, unique to the test.
sleep "$1" &
echo bye
