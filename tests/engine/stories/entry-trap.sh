#!/bin/sh
trap 'echo "no new clients, please"; sleep 0.5; kill -TERM $pid' TERM
python3 /app/program.py &
pid=$!
wait $pid
trap - TERM
wait $pid
