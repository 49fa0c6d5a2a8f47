ptm --version
