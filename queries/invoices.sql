-- Which invoices came as PDF in the last year?
-- To save them, select name and content from AttachmentContent in the same way, with -o DIR/.
SELECT
    m.received_at,
    m.from_address AS sender,
    m.subject,
    a.name AS file,
    a.size
FROM MessagesInFolder m
JOIN MessageAttachments a USING (account, folder, uid_validity, uid)
WHERE m.subject ILIKE '%invoice%'
  AND m.received_at > now() - INTERVAL '365 days'
  AND a.media_type = 'application/pdf'
ORDER BY m.received_at DESC
LIMIT 100;
