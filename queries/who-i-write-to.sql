-- Whom do I write to most?
SELECT
    lower(a.address) AS recipient,
    max(a.name) AS name,
    count(*) FILTER (WHERE lower(a.role) = 'to') AS direct,
    count(*) FILTER (WHERE lower(a.role) <> 'to') AS copied
FROM MessageAddresses a
JOIN Folder f ON f.account = a.account AND f.folder = a.folder
WHERE f.role = 'sent'
  AND lower(a.role) IN ('to', 'cc', 'bcc')
  AND a.address IS NOT NULL
GROUP BY 1
ORDER BY direct DESC, copied DESC, recipient
LIMIT 20;
