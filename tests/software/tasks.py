"""Slow tasks of Celery."""

import flight
from celery import Celery

app = Celery("tasks", broker="redis://127.0.0.1/0")


def write(word):
    with open("/out/answer", "a") as answer:
        answer.write(word + "\n")


@app.task
def slow():
    write("begun")
    flight.last()
    write("complete")
