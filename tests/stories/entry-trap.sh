#!/bin/sh
trap 'kill -TERM $pid' TERM
python3 /app/program.py &
pid=$!
wait $pid
trap - TERM
wait $pid
