-- Which conversations went on the longest?
SELECT
    first_value(subject ORDER BY received_at) AS subject,
    count(DISTINCT message_id) AS mails,
    count(DISTINCT lower(from_address)) AS people,
    min(received_at) AS began,
    max(received_at) AS last_mail
FROM MessagesInFolder
WHERE thread_id IS NOT NULL
GROUP BY account, thread_id
HAVING count(DISTINCT message_id) > 2
ORDER BY mails DESC, last_mail DESC
LIMIT 20;
