"""moto's server, keeping the one promise of S3 that it breaks: of conditional writes of a key at once, one wins.

moto looks whether the key is there and stores it later, in threads, so that on a busy machine two may win.
"""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any

import moto.server
from moto.s3.responses import S3Response

_ONE_AT_A_TIME = threading.RLock()


def _alone(name: str) -> None:
    """Let the method be run by one thread at a time."""
    method = getattr(S3Response, name)

    @functools.wraps(method)
    def alone(*arguments: Any, **options: Any) -> Any:
        with _ONE_AT_A_TIME:
            return method(*arguments, **options)

    setattr(S3Response, name, alone)


if __name__ == "__main__":
    _alone("put_object")
    _alone("_key_response_post")  # completes an upload in parts
    moto.server.main(sys.argv[1:])
