"""A build in the form in which others take it, checked before it ships; one file a consumer.

consumer, rules      what a consumer is to us: rules with page and date, what is made, what is pasted; consumers: all
build                what one is given: a stored build, and where its `bin/python` leads
exporting            judged, made, judged again, put in its place
members, flat        the archive without a folder at its top, written anew
keeping              what was made before, out of the cache
zipping              the packages alone
run_file             what stands before an archive that unpacks itself
"""

from venvbuild.exports.build import Build
from venvbuild.exports.consumer import Consumer, Paste
from venvbuild.exports.consumers import CONSUMERS
from venvbuild.exports.exporting import Exported, export, rule_as_json
from venvbuild.exports.rules import BUNDLE_PYTHON, Finding, Rule, Verdict
from venvbuild.exports.run import RUN_WITH_PYTHON
