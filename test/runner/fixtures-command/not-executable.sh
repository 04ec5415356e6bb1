#!/bin/sh
# Lacks the permission to be run.
