"""An edition -> the files that channels read; nothing else is looked at."""
