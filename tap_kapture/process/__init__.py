"""What a command is as a process, the same for each door: signals, lines on stdout, its ends."""
