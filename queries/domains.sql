-- Which domains does my mail come from?
SELECT
    lower(a.domain) AS domain,
    count(*) AS mails,
    count(DISTINCT lower(a.address)) AS senders
FROM MessageAddresses a
JOIN Folder f ON f.account = a.account AND f.folder = a.folder
WHERE lower(a.role) = 'from'
  AND coalesce(f.role, '') NOT IN ('sent', 'drafts', 'junk', 'trash')
  AND a.domain IS NOT NULL
GROUP BY 1
ORDER BY mails DESC, domain
LIMIT 30;
