"""Prints its last words, if it is given the time that its clean-up takes."""

import signal
import sys
import time

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 1.5


def stop(number, frame):
    sys.exit(0)  # a second signal in the middle of the clean-up ends that, too


signal.signal(signal.SIGTERM, stop)
try:
    print("!!!Set up!!!", flush=True)
    while True:
        time.sleep(0.1)  # signal.pause() would sleep through a signal that has just come
finally:
    time.sleep(SECONDS)
    print("!!!Clean up!!!", flush=True)
