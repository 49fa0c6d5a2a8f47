ptm run $FIX/conv.pt --frobnicate
