"""Prints its last words, if it is given the time: its clean-up takes 1.5 s."""

import signal
import sys
import time


def stop(number, frame):
    sys.exit(0)  # a second signal in the middle of the clean-up ends that, too


signal.signal(signal.SIGTERM, stop)
print("!!!Set up!!!", flush=True)
try:
    while True:
        signal.pause()
finally:
    time.sleep(1.5)
    print("!!!Clean up!!!", flush=True)
