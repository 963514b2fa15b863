-- Which newsletters and mailing lists do I get, do I read them, and how do I leave them?
WITH lists AS (
    SELECT
        account, folder, uid_validity, uid,
        max(value) FILTER (WHERE lower(name) = 'list-id') AS list,
        max(value) FILTER (WHERE lower(name) = 'list-unsubscribe') AS unsubscribe
    FROM MessageHeaders
    WHERE lower(name) IN ('list-id', 'list-unsubscribe')
    GROUP BY account, folder, uid_validity, uid
)
SELECT
    l.list,
    count(*) AS mails,
    count(*) FILTER (WHERE NOT m.seen) AS unread,
    max(m.received_at) AS last_mail,
    max(l.unsubscribe) AS unsubscribe
FROM lists l
JOIN MessagesInFolder m USING (account, folder, uid_validity, uid)
WHERE l.list IS NOT NULL
GROUP BY l.list
ORDER BY mails DESC, l.list
LIMIT 50;
