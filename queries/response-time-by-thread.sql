-- How long do answers take, thread by thread?
-- Every reply is measured against the mail that it names in In-Reply-To; the slowest threads come first.
SELECT
    first_value(q.subject ORDER BY q.date) AS subject,
    count(*) AS replies,
    round(avg(date_part('epoch', r.date) - date_part('epoch', q.date)) / 3600.0, 1) AS average_hours,
    round(max(date_part('epoch', r.date) - date_part('epoch', q.date)) / 3600.0, 1) AS longest_hours
FROM MessagesInFolder r
JOIN MessagesInFolder q ON q.account = r.account AND q.message_id = r.in_reply_to
WHERE r.date > q.date
GROUP BY q.account, q.thread_id
ORDER BY average_hours DESC, subject
LIMIT 30;
