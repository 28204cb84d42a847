"""A mail that arrives slowly."""

import socket

import flight

connection = socket.create_connection(("127.0.0.1", 8000), timeout=20)
lines = connection.makefile("r")


def ask(words, answer):
    connection.sendall(words)
    while not next(lines).startswith(answer):
        pass


ask(b"", "* OK")
ask(b"a LOGIN user password\r\n", "a OK")
ask(b"b APPEND INBOX {11}\r\n", "+")
connection.sendall(b"A: b\r\n")
print("begun", flush=True)
flight.last()
ask(b"\r\nc\r\n\r\n", "b OK")
print("complete", flush=True)
