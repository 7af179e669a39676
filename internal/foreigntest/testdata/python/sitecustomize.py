"""Name resolution for the tests: the public names lead to the emulator.

Python runs this file by itself when it is on its path. The programs know nothing of it.
"""
import os
import socket

_host, _, _port = os.environ["EMULATOR"].rpartition(":")
_ask = socket.getaddrinfo


def _getaddrinfo(host, port, *args, **kwargs):
    if isinstance(host, str) and host.endswith((".microsoftonline.com", ".microsoft.com", ".windows.net")):
        host, port = _host, int(_port)
    return _ask(host, port, *args, **kwargs)


socket.getaddrinfo = _getaddrinfo
