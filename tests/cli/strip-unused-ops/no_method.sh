$PTM strip-unused-ops $FIX/conv.pt -o small.ptm --preserve backward
