"""A web application whose only answer takes three seconds, alone or under a WSGI server."""

import time
from wsgiref.simple_server import make_server


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun\n"
    time.sleep(3)
    yield b"complete\n"


if __name__ == "__main__":
    make_server("127.0.0.1", 9000, application).serve_forever()
