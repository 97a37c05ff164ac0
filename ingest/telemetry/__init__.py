"""What runs tell the outside: report files, metrics, traces."""
