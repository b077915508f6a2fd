#!/bin/sh
# run_logged.sh LOG COMMAND...: runs a test with its output in LOG; shows a line if it passed, all if not.
log=$1
shift
mkdir -p "$(dirname "$log")"
start=$(date +%s)
if "$@" >"$log" 2>&1; then
    echo "ok    $(($(date +%s) - start)) s  $log"
else
    status=$?
    cat "$log"
    echo "FAILED (exit status $status): $*"
    exit 1
fi
