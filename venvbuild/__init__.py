"""From a pinned requirements.txt to a verified, relocatable, searchable environment.

The way of the data, one noun a module, each defining the record it makes:

    requirements.txt
      -> requirements   Requirements     every line read, every pin exact, every problem at once
      -> closure        Closure          what the pins need, resolved and locked
      -> environment    Environment      a venv with exactly that
      -> inspection     Inspection       installed packages, dependency tree, conflicts
      -> archive        Archive          a normalised, relocatable .tar.gz
      -> metadata       Metadata         metadata.json, checked by metadata.schema.json
      -> commit         Commit           the version claimed, every file sent, metadata.json last
      -> athena.table   catalog row      one line of JSON per build

`pipeline` runs them; `workdir` remembers what each step made; `stores` keep the builds. Imports point one way:
commands -> pipeline -> nouns -> stores -> process, settings, errors.
"""

__version__ = "0.1.0"
