"""Tells how Python's email package understands mails that were composed, as JSON, one line per file.

Called as `compose.py FILE...`; tests/compose.rs compares the answers with the drafts.
"""

import email.policy
import hashlib
import json
import sys
from email.parser import BytesParser


def understood(octets):
    message = BytesParser(policy=email.policy.default).parsebytes(octets)
    # What it stumbled over, anywhere.
    defects = [repr(defect) for part in message.walk() for defect in part.defects]
    defects += [repr(defect) for part in message.walk() for name in part.keys() for defect in part[name].defects]
    text = message.get_body(preferencelist=("plain",))
    html = message.get_body(preferencelist=("html",))
    return {
        "defects": defects,
        "fields": sorted(message.keys()),
        "from": mailboxes(message, "from"),
        "to": mailboxes(message, "to"),
        "cc": mailboxes(message, "cc"),
        "reply_to": mailboxes(message, "reply-to"),
        "subject": str(message["subject"]),
        "date": message["date"].datetime.timestamp(),
        "message_id": str(message["message-id"]),
        "in_reply_to": str(message["in-reply-to"]) if message["in-reply-to"] else None,
        "references": str(message["references"]).split() if message["references"] else [],
        "priority": [str(message[name]) for name in ("x-priority", "importance") if message[name]],
        "text": content(text),
        "html": content(html),
        "attachments": [attachment(part) for part in message.iter_attachments()],
    }


def mailboxes(message, name):
    # Older versions of Python put a blank between the encoded words of a name (not so in a subject): none counts.
    all = message[name].addresses if message[name] else []
    return [[one.display_name.replace(" ", ""), one.addr_spec] for one in all]


def content(part):
    if part is None:
        return None
    assert part.get_content_charset() == "utf-8", part.get_content_charset()
    return part.get_payload(decode=True).decode("utf-8")


def attachment(part):
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0).as_bytes(policy=email.policy.SMTP)
    else:
        inner = part.get_payload(decode=True)
    return {
        "name": part.get_filename(),
        "type": part.get_content_type(),
        "disposition": part.get_content_disposition(),
        "size": len(inner),
        "sha256": hashlib.sha256(inner).hexdigest(),
    }


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        print(json.dumps(understood(file.read())))
