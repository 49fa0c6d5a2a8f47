ptm ops relu | head -n 6
