"""Assets behind the reports: what moved, what is there, what it cost, a month closed.

analysis        what such an asset finds: its numbers, its table, its checks
activity, balances, fees    those of each window, from the views of `connector.sql`
month_close     a month's books, made of the days of its reports
sources         which of the configured reports they read, and in which partitions
reading         what a run of one reads
asset           how one is defined, and what is recorded when it is materialized
definitions     all of them for the reports of an account, and the sensor that lets them follow
"""
