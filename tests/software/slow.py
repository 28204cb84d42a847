"""A web application with one slow answer, alone or under a WSGI server."""

from wsgiref.simple_server import make_server

import flight


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    # A proxy may hold the first bytes back.
    open("/out/begun", "w").close()
    yield b"begun\n"
    flight.last()
    yield b"complete\n"


if __name__ == "__main__":
    make_server("127.0.0.1", 9000, application).serve_forever()
