"""What a person reads of a run: files in the work dir, a module a format."""

from venvbuild.reports.writing import FORMATS, write_reports
