"""Tells how Python's email.utils reads addresses and dates of files of mail, as JSON, one line per file.

Called as `opinion.py FILE...`; tests/foreign.rs compares the answers with ours. It is older than the parser that
compare.py asks, and reads more leniently.
"""

import email.parser
import email.policy
import email.utils
import json
import sys
from datetime import timezone


def opinion(octets):
    # A byte order mark is no part of the first field's name.
    message = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(octets.removeprefix(b"\xef\xbb\xbf"))
    fields = {name: [str(value) for value in message.get_all(name, [])] for name in ["from", "to", "cc"]}
    date = message["date"]
    return {
        "addresses": {name: addresses(values) for name, values in fields.items()},
        "date": None if date is None else instant(str(date)),
    }


def addresses(values):
    unfolded = [value.replace("\r", "").replace("\n", "") for value in values]
    try:
        pairs = email.utils.getaddresses(unfolded, strict=False)
    except TypeError:
        # Before there was a strict way, this one was the only one.
        pairs = email.utils.getaddresses(unfolded)
    return [address for _, address in pairs if address]


def instant(date):
    """A date as an instant; one without a zone is taken as UTC, as the RFC says of -0000."""
    try:
        when = email.utils.parsedate_to_datetime(date)
        return int((when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp())
    except Exception:
        return None


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        octets = file.read()
    sys.stdout.write(json.dumps(opinion(octets)) + "\n")
