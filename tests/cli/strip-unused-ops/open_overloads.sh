$PTM strip-unused-ops $FIX/conv.pt $FIX/literals.pt
