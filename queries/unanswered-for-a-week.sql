-- Which mails of the last three months have waited more than a week for my answer?
-- Mailing lists and machines do not wait; a mail counts as answered when it is marked so, or when any mail replies to it.
SELECT
    m.received_at,
    coalesce(m.from_name, m.from_address) AS sender,
    m.subject
FROM MessagesInFolder m
JOIN Folder f ON f.account = m.account AND f.folder = m.folder
WHERE f.role = 'inbox'
  AND NOT m.answered
  AND m.received_at BETWEEN now() - INTERVAL '90 days' AND now() - INTERVAL '7 days'
  AND m.from_address NOT ILIKE '%no%reply%'
  AND NOT EXISTS (
      SELECT 1 FROM MessagesInFolder r
      WHERE r.in_reply_to = m.message_id
  )
  AND NOT EXISTS (
      SELECT 1 FROM MessageHeaders h
      WHERE h.account = m.account AND h.folder = m.folder AND h.uid_validity = m.uid_validity AND h.uid = m.uid
        AND lower(h.name) IN ('list-id', 'auto-submitted')
  )
ORDER BY m.received_at
LIMIT 50;
