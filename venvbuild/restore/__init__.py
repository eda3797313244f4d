"""An archive as an environment again, only what is missing fetched, nothing believed, one rename at the end.

fetching -> unpacking, tar -> rehoming -> targets    from bytes to a folder; restoring is the whole of it
staging                                              where it lies on the way
reading                                              a stored archive in parts, not unpacked
ordinary_tar -> adopting                             the same of archives that others packed
rebuilding                                           the same from the build's lock
kernel                                               by which Jupyter starts it
verification, content_digest, archived               every byte read again, every field compared; scripted_build: as
                                                     far as it goes
"""

from typing import TYPE_CHECKING

from venvbuild import lazily

if TYPE_CHECKING:
    from venvbuild.restore.adopting import Adopted, adopted
    from venvbuild.restore.kernel import IPYKERNEL, NATIVE_KERNEL, PIN_IPYKERNEL, Kernel
    from venvbuild.restore.reading import StoredArchive
    from venvbuild.restore.rebuilding import rebuild
    from venvbuild.restore.restoring import Restored, RestoreOptions, from_archive, get
    from venvbuild.restore.scripted_build import unlike
    from venvbuild.restore.tar import Unpacker, refused
    from venvbuild.restore.verification import Verification, verify
else:  # an export reads an archive, and needs none of what restores one
    _RESTORING = dict.fromkeys(("Restored", "RestoreOptions", "from_archive", "get"), "restoring")
    _KERNEL = dict.fromkeys(("IPYKERNEL", "NATIVE_KERNEL", "PIN_IPYKERNEL", "Kernel"), "kernel")
    _VERIFICATION = dict.fromkeys(("Verification", "verify"), "verification")
    _OTHERS = {
        "Adopted": "adopting",
        "adopted": "adopting",
        "StoredArchive": "reading",
        "rebuild": "rebuilding",
        "unlike": "scripted_build",
        "Unpacker": "tar",
        "refused": "tar",
    }
    __getattr__ = lazily.from_modules(__name__, {**_RESTORING, **_KERNEL, **_VERIFICATION, **_OTHERS})
