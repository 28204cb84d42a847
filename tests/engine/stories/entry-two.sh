#!/bin/sh
python3 /app/program.py &
python3 /app/program.py &
wait
