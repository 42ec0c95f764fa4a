"""Assets behind the reports: what moved, what is there, what it cost, a month closed, each with a picture.

analysis    what such an asset is: its numbers, its table, its picture, its checks
activity, balances, fees    the daily ones, from the views of `connector.sql`
sources     which of the configured reports they read, and in which partitions
asset       what happens when one is materialized
definitions all of them for the reports of an account, and the sensor that lets them follow
"""
