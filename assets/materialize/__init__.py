"""One step of a report asset: the partitions it brings, the events it records, how it ends."""
