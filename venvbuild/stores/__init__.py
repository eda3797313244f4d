"""Where builds live: a folder or S3, behind the calls of `Store`. One more is a file and a branch of `open_store`."""

from venvbuild.stores.ephemeral import Surroundings, in_container, refuse_ephemeral, way_out
from venvbuild.stores.opening import folder_of, open_store, store_of
from venvbuild.stores.store import A_FOLDER, Entry, Store, StoredObject, is_key, too_large
