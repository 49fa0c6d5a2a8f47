ptm inspect --help | head -n 5
