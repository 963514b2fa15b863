"""Tells how Python's email package understands files of mail, as JSON, one line per file.

Called as `compare.py FILE...`; tests/foreign.rs compares the answers with ours. Nothing is left out
and nothing smoothed over here: what the two understand differently is for the test to list.
"""

import email.message
import email.parser
import email.policy
import hashlib
import json
import re
import sys
from datetime import timezone


def understood(octets):
    octets = re.sub(rb"(?<!\r)\n", b"\r\n", octets)
    message = email.parser.BytesParser(policy=email.policy.default).parsebytes(octets)
    senders, recipients = addresses(message, "from"), addresses(message, "to")
    return {
        "size": len(octets),
        "fields": [name for name in message.keys()],
        "subject": attempt(lambda: text(message["subject"])),
        "from_name": senders[0]["name"] if senders else None,
        "from_address": senders[0]["address"] if senders else None,
        "to_addresses": ", ".join(one["address"] for one in recipients if one["address"]) or None,
        "date": attempt(lambda: instant(message["date"])),
        "message_id": attempt(lambda: text(message["message-id"])),
        "parts": list(leaves(message, [])),
    }


def addresses(message, name):
    """The addresses of all fields with that name, those in groups as well."""
    fields = attempt(lambda: message.get_all(name, []))
    if isinstance(fields, str):
        return [{"name": fields, "address": fields}]
    every = [one for field in fields for one in field.addresses]
    # Python writes an empty address with its brackets.
    return [{"name": one.display_name or None, "address": one.addr_spec.strip("<>") or None} for one in every]


def leaves(part, number):
    """Parts that have none below them, with the numbers that IMAP gives them."""
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for position, child in enumerate(part.get_payload(), 1):
            yield from leaves(child, [*number, position])
        return
    leaf = {
        "part": ".".join(map(str, number or [1])),
        "media_type": part.get_content_type(),
        "name": attempt(part.get_filename),
        "disposition": attempt(part.get_content_disposition),
    }
    if not part.is_multipart():
        content = attempt(lambda: part.get_payload(decode=True)) or b""
        leaf["sha256"] = hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else content
        if leaf["media_type"] == "text/plain":
            leaf["text"] = attempt(lambda: part.get_content().replace("\r\n", "\n"))
    yield leaf


def instant(date):
    """A date as an instant; one without a zone is taken as UTC, as the RFC says of -0000."""
    if date is None or date.datetime is None:
        return None
    when = date.datetime if date.datetime.tzinfo else date.datetime.replace(tzinfo=timezone.utc)
    return int(when.timestamp())


def text(value):
    return None if value is None else str(value).strip()


def attempt(read):
    """What `read` gives, or the name of what it raised: some of these mails break Python."""
    try:
        return read()
    except Exception as error:
        return "raised " + type(error).__name__


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        answer = attempt(lambda: understood(file.read()))
    if isinstance(answer, str):
        answer = {"raised": answer}
    line = json.dumps({"path": path, **answer}, ensure_ascii=False) + "\n"
    sys.stdout.buffer.write(line.encode("utf-8", "replace"))
