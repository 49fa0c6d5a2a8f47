ptm run $FIX/conv.pt --quiet=1
