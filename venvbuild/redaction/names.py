"""Names of variables that hold secrets."""

from __future__ import annotations

import re

SECRET_NAME = re.compile(r"(?i)(secret|token|passw|passphrase|api_?key|access_?key|credential|private_?key|_auth$)")
# These say where a secret is, or whose.
NOT_SECRET_NAME = re.compile(r"(?i)(_ID|_FILE|_PATH|_DIR|_URL|_URI|SOCK|_PROVIDER)$")
