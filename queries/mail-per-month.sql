-- How much mail comes and goes each month?
SELECT
    to_char(date_trunc('month', m.received_at), '%Y-%m') AS month,
    count(*) FILTER (WHERE coalesce(f.role, '') NOT IN ('sent', 'drafts', 'junk', 'trash')) AS received,
    count(*) FILTER (WHERE f.role = 'sent') AS sent,
    count(*) FILTER (WHERE f.role = 'junk') AS junk,
    round(sum(m.size) / 1048576.0, 2) AS megabytes
FROM MessagesInFolder m
JOIN Folder f ON f.account = m.account AND f.folder = m.folder
GROUP BY 1
ORDER BY 1 DESC
LIMIT 36;
