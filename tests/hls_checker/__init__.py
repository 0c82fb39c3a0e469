"""Checks a live HLS playlist over time: no other package compares two versions of one."""

from tests.hls_checker.check import check
from tests.hls_checker.files import File
from tests.hls_checker.history import History, Seen, Watch, watch
from tests.hls_checker.media import check_directory, read_directory, read_file
from tests.hls_checker.rules import RULES, Finding, Rule, Terms

__all__ = [
    "RULES", "File", "Finding", "History", "Rule", "Seen", "Terms", "Watch",
    "check", "check_directory", "read_directory", "read_file", "watch",
]  # fmt: skip
