"""Does a task of the benchmark with IMAPClient, as somebody would who knows it well.

    with_imapclient.py TASK PORT USER PASSWORD DIRECTORY
"""

import base64
import csv
import re
import sys
from email.header import decode_header, make_header
from pathlib import Path

from imapclient import IMAPClient

# Messages at a time: it sends each uid by itself, and a server bears lines of 64 kB.
CHUNK = 5000
# The same where the messages are wanted, or parts of them.
WHOLE = 500


def fetch(client, uids, items, chunk=CHUNK):
    for first in range(0, len(uids), chunk):
        yield from client.fetch(uids[first : first + chunk], items).items()


def text(octets):
    return str(make_header(decode_header(octets.decode("utf-8", "replace")))) if octets else ""


def envelope(uid, data):
    envelope = data[b"ENVELOPE"]
    sender = envelope.from_[0] if envelope.from_ else None
    address = b"@".join((sender.mailbox or b"", sender.host or b"")).decode() if sender else ""
    return [uid, text(envelope.subject), address, text(sender.name if sender else b""), envelope.date]


def envelopes(client, uids, write):
    for uid, data in fetch(client, uids, ["ENVELOPE"]):
        write(envelope(uid, data))


def parts(structure, number=""):
    """The parts of a message that are no multiparts, each with its number."""
    if structure.is_multipart:
        for position, part in enumerate(structure[0], 1):
            yield from parts(part, f"{number}.{position}" if number else str(position))
    else:
        yield number or "1", structure


def pairs(fields):
    return dict(zip(fields[::2], fields[1::2])) if fields else {}


def attachments(client):
    for uid, data in fetch(client, client.search(), ["BODYSTRUCTURE"]):
        for number, part in parts(data[b"BODYSTRUCTURE"]):
            # Of text and messages there are more fields before the disposition.
            disposition = next((field for field in part[7:] if isinstance(field, tuple) and field[0] == b"attachment"), None)
            if disposition:
                name = pairs(disposition[1]).get(b"filename", b"")
                yield uid, number, text(name), b"/".join(part[:2]).decode().lower(), part[6] * 3 // 4


def counts(client, write):
    for _, _, name in client.list_folders():
        status = client.folder_status(name, ["MESSAGES", "UNSEEN"])
        write([name, status[b"MESSAGES"], status[b"UNSEEN"]])


def headers(client, write):
    fields, length = 0, 0
    for _, data in fetch(client, client.search(), ["BODY.PEEK[HEADER]"]):
        header = data[b"BODY[HEADER]"]
        fields += len(re.findall(rb"^[^\s:]+:", header, re.MULTILINE))
        length += len(header)
    write([fields, length])


def newest(client, write, key):
    uids = client.sort("REVERSE DATE") if key == "date" else client.search()[::-1]
    envelopes(client, uids[:10], write)


def everything(client, directory):
    with open(directory / "messages", "wb") as file:
        for _, data in fetch(client, client.search(), ["BODY.PEEK[]"], WHOLE):
            file.write(data[b"BODY[]"])


def documents(client, directory):
    wanted = {}
    for uid, number, name, media_type, _ in attachments(client):
        if media_type == "application/pdf":
            wanted.setdefault(number, {})[uid] = name
    for number, names in wanted.items():
        for uid, data in fetch(client, list(names), [f"BODY.PEEK[{number}]"], WHOLE):
            name = f"{uid}-{number}-{names[uid]}"
            (directory / name).write_bytes(base64.b64decode(data[f"BODY[{number}]".encode()]))


def main(task, port, user, password, directory):
    directory = Path(directory)
    client = IMAPClient("127.0.0.1", port=int(port), ssl=False)
    client.login(user, password)
    write = csv.writer(sys.stdout).writerow
    write(["answer"])
    if task not in ("T1", "T7"):
        client.select_folder("INBOX", readonly=True)
    if task == "T1":
        counts(client, write)
    elif task == "T2":
        for uid, data in fetch(client, client.search(), ["ENVELOPE", "FLAGS", "RFC822.SIZE"]):
            flags = b" ".join(data[b"FLAGS"]).decode()
            write([*envelope(uid, data), data[b"RFC822.SIZE"], flags])
    elif task == "T3":
        envelopes(client, client.search(["SUBJECT", "invoice"]), write)
    elif task == "T4":
        headers(client, write)
    elif task == "T5":
        for attachment in attachments(client):
            write(attachment)
    elif task.startswith("T6"):
        newest(client, write, task[3:])
    elif task == "T7":
        write([client.folder_status("INBOX", ["MESSAGES"])[b"MESSAGES"]])
    elif task == "T8":
        everything(client, directory)
    elif task == "T9":
        documents(client, directory)
    client.logout()


main(*sys.argv[1:])
