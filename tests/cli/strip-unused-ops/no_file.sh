$PTM strip-unused-ops $FIX/conv.pt nowhere.pt
