-- What have I flagged and not answered yet?
SELECT
    m.folder,
    m.received_at,
    CAST((date_part('epoch', now()) - date_part('epoch', m.received_at)) / 86400.0 AS BIGINT) AS days_ago,
    coalesce(m.from_name, m.from_address) AS sender,
    m.subject
FROM MessagesInFolder m
JOIN Folder f ON f.account = m.account AND f.folder = m.folder
WHERE m.flagged
  AND NOT m.answered
  AND coalesce(f.role, '') NOT IN ('sent', 'drafts', 'junk', 'trash')
ORDER BY m.received_at
LIMIT 50;
