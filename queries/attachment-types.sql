-- What kinds of files do people send, and how large are they?
SELECT
    media_type,
    count(*) AS attachments,
    round(sum(size) / 1048576.0, 2) AS megabytes,
    round(max(size) / 1024.0, 1) AS largest_kilobytes
FROM MessageAttachments
GROUP BY media_type
ORDER BY megabytes DESC, media_type
LIMIT 30;
