"""Ends with 0 when the process of this container is ready: Docker's HEALTHCHECK."""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

port = int(os.environ.get("BIHUAN_INTERNAL_PORT") or 8081)
try:
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    connection.request("GET", "/readyz")
    sys.exit(connection.getresponse().status != HTTPStatus.OK)
except (OSError, HTTPException):
    sys.exit(1)
