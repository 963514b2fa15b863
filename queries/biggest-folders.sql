-- Which folders hold the most?
SELECT
    account,
    folder,
    messages,
    unseen AS unread,
    round(size / 1048576.0, 2) AS megabytes
FROM Folder
WHERE selectable
ORDER BY size DESC, messages DESC, folder
LIMIT 30;
