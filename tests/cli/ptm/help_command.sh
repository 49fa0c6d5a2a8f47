ptm help run | head -n 2
