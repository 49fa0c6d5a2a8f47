ptm inspect $FIX/conv.pt --dump graph
