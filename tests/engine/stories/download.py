"""A download through the proxy from a server that takes its time, so that it is still going on at the end."""

import socket
import threading
import time
import urllib.request

PORT = 8080


def serve(server):
    connection, _ = server.accept()
    connection.recv(4096)
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"a little\n")
        time.sleep(0.1)


server = socket.create_server(("127.0.0.1", PORT))
threading.Thread(target=serve, args=(server,), daemon=True).start()
proxy = urllib.request.ProxyHandler({"http": "http://127.0.0.1:3128"})
with urllib.request.build_opener(proxy).open(f"http://127.0.0.1:{PORT}/a-long-film") as film:
    film.readline()
    open("/tmp/downloading", "w").close()
    while film.readline():
        pass
