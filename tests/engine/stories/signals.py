"""Prints each signal that it gets, by number, and ends in order at one that means so."""

import signal
import sys

ALL = set(range(1, 65)) - {32, 33, signal.SIGKILL, signal.SIGSTOP}
STOP = {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGRTMIN + 3}

signal.pthread_sigmask(signal.SIG_BLOCK, ALL)
print("ready", flush=True)
while True:
    number = signal.sigwait(ALL)
    print("got", int(number), flush=True)
    if number in STOP:
        sys.exit(0)
