-- Who writes to me most?
-- Sent mail, drafts, junk and trash are left out.
SELECT
    lower(m.from_address) AS sender,
    max(m.from_name) AS name,
    count(*) AS mails,
    max(m.received_at) AS last_mail
FROM MessagesInFolder m
JOIN Folder f ON f.account = m.account AND f.folder = m.folder
WHERE coalesce(f.role, '') NOT IN ('sent', 'drafts', 'junk', 'trash')
  AND m.from_address IS NOT NULL
GROUP BY 1
ORDER BY mails DESC, sender
LIMIT 20;
