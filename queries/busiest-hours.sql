-- At which hours (UTC) does mail arrive?
SELECT
    date_part('hour', m.received_at) AS hour,
    count(*) AS mails,
    repeat('#', CAST(ceil(40.0 * count(*) / max(count(*)) OVER ()) AS BIGINT)) AS bar
FROM MessagesInFolder m
JOIN Folder f ON f.account = m.account AND f.folder = m.folder
WHERE coalesce(f.role, '') NOT IN ('sent', 'drafts', 'junk', 'trash')
GROUP BY 1
ORDER BY 1;
