$PTM strip-unused-ops $FIX/conv.pt $FIX/scores.pt -o small.ptm
