-- Where is unread mail, and since when?
SELECT
    folder,
    count(*) AS unread,
    min(received_at) AS oldest,
    max(received_at) AS newest
FROM MessagesInFolder
WHERE NOT seen
GROUP BY folder
ORDER BY unread DESC, folder
LIMIT 50;
