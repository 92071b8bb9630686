"""Uploads a file by tuspy, with checksums, over connections that are cut. Prints the path of the upload.

Arguments: URL of the server, access token, file.
"""

import random
import socket
import sys
import threading
from urllib.parse import urlparse

from tusclient.client import TusClient

MIB = 1024 * 1024
CUTS = 4

server, token, name = sys.argv[1:]
target = (urlparse(server).hostname, urlparse(server).port)
cuts = 0


def copy(source, sink, budget):
    """Passes bytes on until one side ends, or so many have passed: then both are cut."""
    global cuts
    try:
        while piece := source.recv(64 * 1024):
            budget -= len(piece)
            if budget < 0:
                cuts += 1
                break
            sink.sendall(piece)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()


def serve(listener):
    while True:
        client, _ = listener.accept()
        upstream = socket.create_connection(target)
        budget = MIB + random.randrange(2 * MIB) if cuts < CUTS else float("inf")
        threading.Thread(target=copy, args=(client, upstream, budget), daemon=True).start()
        threading.Thread(target=copy, args=(upstream, client, float("inf")), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
way = f"http://127.0.0.1:{listener.getsockname()[1]}/media"
client = TusClient(way, headers={"Authorization": f"Bearer {token}"})
uploader = client.uploader(name, chunk_size=3 * MIB, upload_checksum=True, retries=20, retry_delay=0)
uploader.upload()
if cuts == 0:
    sys.exit("nothing was cut")
print(f"{cuts} cuts", file=sys.stderr)
print(urlparse(uploader.url).path)
