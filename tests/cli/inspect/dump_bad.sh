ptm inspect $FIX/conv.pt --dump tree
