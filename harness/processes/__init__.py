"""Names processes, keeps other processes out of a folder, and handles the signals that end one."""
