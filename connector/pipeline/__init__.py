"""The whole way of a report, for many partitions: `collect`."""
