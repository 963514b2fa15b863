-- On which days of the week does mail arrive?
SELECT
    to_char(m.received_at, '%A') AS weekday,
    count(*) AS mails,
    count(*) FILTER (WHERE NOT m.seen) AS unread
FROM MessagesInFolder m
JOIN Folder f ON f.account = m.account AND f.folder = m.folder
WHERE coalesce(f.role, '') NOT IN ('sent', 'drafts', 'junk', 'trash')
GROUP BY 1, (date_part('dow', m.received_at) + 6) % 7
ORDER BY (date_part('dow', m.received_at) + 6) % 7;
