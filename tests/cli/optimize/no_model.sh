ptm optimize -o out.ptm
