"""The commands, one file each: they read words and print lines, and leave the work to the other rooms."""
