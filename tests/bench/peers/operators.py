"""The statements of the operators, by DataFusion's own wheel: a whole process per statement, as mailql is.

    operators.py make FILE        writes two million rows of made-up mail
    operators.py run FILE SQL     prints the rows of a statement, which reads the table `mail`
"""

import sys

from datafusion import SessionContext

ROWS = 2_000_000

MADE = f"""
SELECT value AS uid,
       'person' || ((value * 7919) % 20000) || '@host' || ((value * 31) % 300) || '.example' AS from_address,
       'Re: number ' || value || CASE WHEN value % 37 = 0 THEN ' Invoice' ELSE ' lamp' END AS subject,
       to_timestamp(1600000000 + (value * 104729) % 150000000) AS received_at,
       1000 + (value * 15485863) % 90000 AS size,
       '<' || value || '@example.org>' AS message_id,
       '<' || ((value * 13) % {ROWS}) || '@example.org>' AS in_reply_to
FROM generate_series(1, {ROWS})
"""


def main() -> None:
    context = SessionContext()
    if sys.argv[1] == "make":
        context.sql(MADE).write_parquet(sys.argv[2])
        return
    context.register_parquet("mail", sys.argv[2])
    for batch in context.sql(sys.argv[3]).collect():
        for row in batch.to_pylist():
            print(",".join("" if value is None else str(value) for value in row.values()))


main()
