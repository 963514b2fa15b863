-- Which attachments take the most room?
SELECT
    a.name AS attachment,
    a.media_type,
    round(a.size / 1024.0, 1) AS kilobytes,
    a.folder,
    m.from_address AS sender,
    m.subject,
    m.received_at
FROM MessageAttachments a
JOIN MessagesInFolder m USING (account, folder, uid_validity, uid)
ORDER BY a.size DESC, m.received_at
LIMIT 20;
