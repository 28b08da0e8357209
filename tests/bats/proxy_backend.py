#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A backend for the tests of rn-proxy: says what it got, in many framings. Prints its port.

usage: proxy_backend.py [NAME [PORT]]
"""
import base64
import hashlib
import json
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler

NAME = sys.argv[1] if len(sys.argv) > 1 else "backend"
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 0
lock = threading.Lock()
connections = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body leave in two writes

    def setup(self):
        global connections
        with lock:
            connections += 1
        super().setup()

    def log_message(self, *args):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        left = int(self.headers.get("Content-Length", 0))
        digest, total = hashlib.sha256(), 0
        kept = b""
        while left:
            part = self.rfile.read(min(left, 65536))
            if not part:
                break
            left -= len(part)
            total += len(part)
            digest.update(part)
            kept = part if total < 65536 else b""
        self.digest, self.total = digest.hexdigest(), total
        return kept

    def reply(self, body, status=200, **fields):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for k, v in fields.items():
            self.send_header(k.replace("_", "-"), v)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for word in (b"one ", b"two ", b"three\n"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(word), word))
        self.wfile.write(b"0\r\n\r\n")

    def websocket(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        while line := self.rfile.readline():
            self.wfile.write(line)
        self.close_connection = True

    def do_GET(self):
        path = self.path.split("?")[0]
        body = self.body()
        if path.endswith("/chunks"):
            self.chunks()
        elif path.endswith("/ws"):
            self.websocket()
        elif path.endswith("/name"):
            self.reply(NAME.encode() + b"\n")
        elif path.endswith("/connections"):
            self.reply(b"%d\n" % connections)
        elif path.endswith("/status"):
            self.reply(b"teapot\n", 418)
        elif path.endswith("/close"):
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nuntil the end\n")
            self.close_connection = True
        elif path.endswith("/lie"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            self.close_connection = True
        elif path.endswith("/nonsense"):
            self.wfile.write(b"SSH-2.0-nonsense\r\n\r\n")
            self.close_connection = True
        elif path.endswith("/upload"):
            self.reply(b"%d %s\n" % (self.total, self.digest.encode()))
        else:
            self.reply(json.dumps({"method": self.command, "path": self.path, "body": body.decode(),
                                   "headers": {k.lower(): v for k, v in self.headers.items()}}).encode() + b"\n")

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


with Server(("127.0.0.1", PORT), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
