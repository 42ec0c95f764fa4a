"""Bad days in bulk: pulls under faults and kills, and the law they are held to afterwards."""
