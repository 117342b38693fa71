#!/usr/bin/python3
"""Ports for servers that are started later.

usage: ports.py COUNT

They are not of those that the kernel gives to who connects: where thousands of
connections are opened meanwhile, one of these is taken before the server has
bound it."""

import random
import socket
import sys

FIRST, LAST = 20000, 32767

given = set()


def free_port():
    while True:
        port = random.randint(FIRST, LAST)
        with socket.socket() as s:
            # As a server does, whom connections of before do not disturb.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in given:
            given.add(port)
            return port


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        print(free_port())
