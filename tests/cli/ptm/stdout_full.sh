ptm --help > /dev/full
