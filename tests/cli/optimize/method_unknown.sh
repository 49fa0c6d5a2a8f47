ptm optimize $FIX/conv.pt -o out.ptm -m bogus
