#!/bin/sh
echo "preparing"
python3 /app/program.py
