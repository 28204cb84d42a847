#!/bin/sh
echo "preparing"
exec python3 /app/program.py
