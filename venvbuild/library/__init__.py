"""What programs call: for them what `commands` are for people. `import venvbuild` hands all of it on.

catalog         find, list_builds, diff: answered by the query engine
environments    get, verify: of one build in a store
defaults        what counts for a caller without settings
"""

from typing import TYPE_CHECKING

from venvbuild import lazily

if TYPE_CHECKING:
    from venvbuild.library.catalog import diff, find, list_builds
    from venvbuild.library.environments import get, verify
else:  # who restores needs no query engine
    _CATALOG = dict.fromkeys(("diff", "find", "list_builds"), "catalog")
    __getattr__ = lazily.from_modules(__name__, {**_CATALOG, "get": "environments", "verify": "environments"})
