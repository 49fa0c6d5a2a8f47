ptm run $FIX/conv.pt --input
