-- Which mails could not be fully understood, and why?
SELECT
    folder,
    uid,
    received_at,
    subject,
    problems
FROM MessagesInFolder
WHERE problems IS NOT NULL
ORDER BY received_at DESC
LIMIT 50;
