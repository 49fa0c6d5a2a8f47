$PTM strip-unused-ops $FIX/conv.pt --backend xnpack
