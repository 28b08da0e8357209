#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Share links and logins as doc/contracts.md has them, by another hand (openssl) than ours.

usage: proxy_sign.py key SEEDFILE | link SEEDFILE RESOURCE SECONDS | login SEEDFILE USER GROUPS HOST SECONDS
"""
import base64
import os
import subprocess
import sys
import time

PREFIX = bytes.fromhex("302e020100300506032b657004220420")  # PKCS #8 of an Ed25519 seed


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def openssl(seed_file, *args, data=b""):
    key = seed_file + ".der"
    with open(key, "wb") as f:
        f.write(PREFIX + open(seed_file, "rb").read())
    return subprocess.run(["openssl", *args, "-inkey" if args[0] == "pkeyutl" else "-in", key],
                          input=data, capture_output=True, check=True).stdout


def sign(seed_file, message):
    path = seed_file + ".msg"
    with open(path, "wb") as f:
        f.write(message)
    return openssl(seed_file, "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-in", path)


def main(verb, seed_file, *args):
    if verb == "key":
        with open(seed_file, "wb") as f:
            f.write(os.urandom(32))
        public = openssl(seed_file, "pkey", "-inform", "DER", "-pubout", "-outform", "DER")[-32:]
        return base64.b64encode(public).decode()
    expires = int(time.time()) + int(args[-1])
    if verb == "link":
        head = bytes([1]) + expires.to_bytes(4, "big") + os.urandom(8)
        return url64(head + sign(seed_file, b"rn-link1\n" + args[0].encode() + b"\n" + head))
    line = (f"assertion={args[0]} resource_host={args[2]} expires_at={expires} "
            f"nonce={url64(os.urandom(16))} groups={args[1]}").encode()
    return url64(line) + "." + url64(sign(seed_file, b"rn-login1\n" + line))


print(main(*sys.argv[1:]))
