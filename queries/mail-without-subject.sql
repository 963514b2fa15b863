-- Which mails have no subject?
SELECT
    folder,
    received_at,
    coalesce(from_name, from_address) AS sender,
    size
FROM MessagesInFolder
WHERE subject IS NULL OR trim(subject) = ''
ORDER BY received_at DESC
LIMIT 50;
