"""`python -m venvbuild`."""

from venvbuild.main import main

main()
