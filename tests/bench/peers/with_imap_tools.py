"""Does a task of the benchmark with imap_tools, as somebody would who knows it well.

    with_imap_tools.py TASK PORT USER PASSWORD DIRECTORY
"""

import csv
import sys
from pathlib import Path

from imap_tools import AND, MailBoxUnencrypted

# Messages at a time; one by one is what it does when it is not told, and takes far longer.
CHUNK = 1000


def messages(mailbox, criteria="ALL", headers_only=True, **more):
    return mailbox.fetch(criteria, mark_seen=False, headers_only=headers_only, bulk=CHUNK, **more)


def row(message):
    sender = message.from_values
    return [message.uid, message.subject, sender.email if sender else "", sender.name if sender else "", message.date]


def counts(mailbox, write):
    for folder in mailbox.folder.list():
        status = mailbox.folder.status(folder.name, ["MESSAGES", "UNSEEN"])
        write([folder.name, status["MESSAGES"], status["UNSEEN"]])


def headers(mailbox, write):
    fields, length = 0, 0
    for message in messages(mailbox):
        values = [value for _, value in message.obj.raw_items()]
        fields += len(values)
        length += sum(len(value) for value in values)
    write([fields, length])


def newest(mailbox, write, key):
    uids = mailbox.uids(sort="REVERSE DATE") if key == "date" else mailbox.uids()[::-1]
    for message in messages(mailbox, uid_list=uids[:10]):
        write(row(message))


def main(task, port, user, password, directory):
    directory = Path(directory)
    mailbox = MailBoxUnencrypted("127.0.0.1", int(port)).login(user, password, initial_folder=None)
    write = csv.writer(sys.stdout).writerow
    write(["answer"])
    if task not in ("T1", "T7"):
        mailbox.folder.set("INBOX", readonly=True)
    if task == "T1":
        counts(mailbox, write)
    elif task == "T2":
        for message in messages(mailbox):
            write([*row(message), message.size_rfc822, " ".join(message.flags)])
    elif task == "T3":
        for message in messages(mailbox, AND(subject="invoice")):
            write(row(message))
    elif task == "T4":
        headers(mailbox, write)
    elif task == "T5":
        for message in messages(mailbox, headers_only=False):
            for attachment in message.attachments:
                write([message.uid, attachment.filename, attachment.content_type, attachment.size])
    elif task.startswith("T6"):
        newest(mailbox, write, task[3:])
    elif task == "T7":
        write([mailbox.folder.status("INBOX", ["MESSAGES"])["MESSAGES"]])
    elif task == "T8":
        with open(directory / "messages", "wb") as file:
            for message in messages(mailbox, headers_only=False):
                file.write(message.obj.as_bytes())
    elif task == "T9":
        for message in messages(mailbox, headers_only=False):
            for number, attachment in enumerate(message.attachments):
                if attachment.content_type == "application/pdf":
                    (directory / f"{message.uid}-{number}-{attachment.filename}").write_bytes(attachment.payload)
    mailbox.logout()


main(*sys.argv[1:])
