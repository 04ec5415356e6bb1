#!/bin/sh
# Sleeps, and dies of SIGTERM like most programs. $1: seconds, unique to the test.
echo ready
exec sleep "$1"
