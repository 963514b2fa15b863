-- Which mails are kept more than once?
SELECT
    min(subject) AS subject,
    count(*) AS copies,
    array_to_string(array_sort(array_agg(DISTINCT folder)), ', ') AS folders,
    sum(size) - max(size) AS octets_to_gain
FROM MessagesInFolder
WHERE message_id IS NOT NULL
GROUP BY account, message_id
HAVING count(*) > 1
ORDER BY octets_to_gain DESC, subject
LIMIT 50;
